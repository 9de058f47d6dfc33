import assert from 'node:assert/strict';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { AUTHORITY, freePort, startProcess, type RunningSubject } from '@steelyard/tools/peers';
import { measure } from './measure.ts';

/** A measurement must fail on a peer that answers wrongly: else a fast wrong proxy would win. */
const servers: Http2Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

async function serve(answer: (stream: ServerHttp2Stream) => void): Promise<RunningSubject> {
  const server = createServer();
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => undefined);
    stream.resume();
    stream.on('end', () => answer(stream));
  });
  // The load process drops its connections when it has measured.
  server.on('session', (session) => session.on('error', () => undefined));
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return subjectOn(address.port);
}

function subjectOn(port: number): RunningSubject {
  const stop = (): Promise<void> => Promise.resolve();
  const self = { name: 'test', pid: process.pid, output: () => '', exited: stop(), stop };
  return { name: 'steelyard', port, process: self, stop };
}

const message = Buffer.from('\0\0\0\0\x0ctwelve bytes', 'latin1');
const reply =
  (grpcStatus: string, body: Buffer) =>
  (stream: ServerHttp2Stream): void => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': grpcStatus, 'grpc-message': 'as meant' }));
    stream.end(body);
  };
const options = { warmUpMs: 50, measureMs: 200, seed: 1, pin: (command: readonly string[]) => command };
const shape = { connections: 2, streams: 5 };

describe('a measurement', { skip: process.platform === 'linux' ? false : 'reads /proc' }, () => {
  it('counts the calls of an independent server', async () => {
    const seen = new Set<string>();
    const subject = await serve((stream) => reply('0', message)(stream));
    servers.at(-1)?.on('stream', (_stream, headers) => {
      assert.equal(headers[':authority'], AUTHORITY);
      seen.add(String(headers['traceparent']));
    });
    const { calls, elapsedMs, cpuMicros, p50Ms, p99Ms } = await measure(subject, shape, options);
    assert.ok(calls > 0 && elapsedMs >= 190 && cpuMicros > 0 && p50Ms <= p99Ms);
    assert.ok(seen.size >= calls, `${seen.size} different traceparents in ${calls} calls`);
    for (const traceparent of seen) assert.match(traceparent, /^00-[\da-f]{32}-[\da-f]{16}-01$/);
  });

  it('works with the backend of the benchmark', async () => {
    const port = await freePort();
    const program = join(import.meta.dirname, 'backend-main.js');
    const backend = await startProcess('backend', process.execPath, [program, String(port)], port);
    try {
      const subject = { ...subjectOn(port), process: backend };
      const { calls, failures } = await measure(subject, { connections: 3, streams: 40 }, options);
      assert.ok(calls > 0);
      assert.equal(failures, 0);
    } finally {
      await backend.stop();
    }
  });

  const wrong: readonly (readonly [name: string, answer: (stream: ServerHttp2Stream) => void, says: RegExp])[] = [
    ['a failed call', reply('13', message), /grpc-status: 13/],
    ['other bytes', reply('0', Buffer.from('\0\0\0\0\x0ctwelve bytez', 'latin1')), /another message/],
    ['too few bytes', reply('0', message.subarray(1)), /16 bytes of message/],
    ['no trailers', (stream) => (stream.respond({ ':status': 200 }), stream.end(message)), /no trailers/],
    ['a reset', (stream) => stream.close(2), /reset with code 2/],
    ['a closed connection', (stream) => stream.session?.destroy(), /connection: /],
  ];
  for (const [name, answer, says] of wrong) {
    it(`fails on ${name}`, async () => {
      await assert.rejects(measure(await serve(answer), shape, options), says);
    });
  }
});
