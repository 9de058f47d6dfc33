import assert from 'node:assert/strict';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { after, describe, it } from 'node:test';
import { AUTHORITY } from '@steelyard/tools/peers';
import { MESSAGE_LENGTH, sizeAt, PATTERN, writePrefix } from '../calls/message.ts';
import type { ClosedLoop, LoadCommand } from '../load/load-command.ts';
import { startBackends } from './backends.ts';
import { createLoadDriver } from './load-driver.ts';

/** A measurement must fail on a peer that answers wrongly: else a fast wrong proxy would win. */
const servers: Http2Server[] = [];
const pin = (command: readonly string[]): readonly string[] => command;
const driver = createLoadDriver(pin);
after(async () => {
  for (const server of servers) server.close();
  await driver.stop();
});

async function serve(answer: (stream: ServerHttp2Stream, message: Buffer) => void): Promise<number> {
  const server = createServer();
  server.on('stream', (stream: ServerHttp2Stream) => {
    const parts: Buffer[] = [];
    stream.on('error', () => undefined);
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => answer(stream, Buffer.concat(parts)));
  });
  // The load process drops its connections when it has measured.
  server.on('session', (session) => session.on('error', () => undefined));
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}

/** The reply that `message.ts` describes, written apart from the backend of the benchmark. */
function rightReply(message: Buffer): Buffer {
  const size = sizeAt(message, 0);
  const reply = Buffer.concat([message, PATTERN.subarray(0, size - (MESSAGE_LENGTH - 5))]);
  writePrefix(reply, 0, size);
  return reply;
}

const respond =
  (grpcStatus: string, body: (message: Buffer) => Buffer) =>
  (stream: ServerHttp2Stream, message: Buffer): void => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': grpcStatus, 'grpc-message': 'as meant' }));
    stream.end(body(message));
  };

const closed = (port: number, replyBytes = 12): ClosedLoop => ({
  kind: 'closed',
  target: { port },
  pid: process.pid,
  connections: 2,
  underWay: 10,
  call: { kind: 'unary', replyBytes },
  warmUpMs: 50,
  measureMs: 400,
  seed: 1,
});

describe('the load', { skip: process.platform === 'linux' ? false : 'reads /proc' }, () => {
  for (const replyBytes of [12, 100_000]) {
    it(`counts the calls of an independent server, with replies of ${replyBytes} octets`, async () => {
      const port = await serve(respond('0', rightReply));
      const seen = new Set<string>();
      servers.at(-1)?.on('stream', (_stream, headers) => {
        assert.ok(AUTHORITY.startsWith(String(headers[':authority']).replace(/:.*/, '')));
        seen.add(String(headers['traceparent']));
      });
      const { calls, elapsedMs, cpuMicros, latency } = await driver.run(closed(port, replyBytes));
      assert.ok(calls > 0 && elapsedMs >= 390 && cpuMicros > 0);
      assert.ok(latency !== null && latency.p50Ms <= latency.p99Ms);
      assert.ok(seen.size >= calls, `${seen.size} different traceparents in ${calls} calls`);
    });
  }

  const wrong: readonly (readonly [string, (stream: ServerHttp2Stream, message: Buffer) => void, RegExp])[] = [
    ['a failed call', respond('13', rightReply), /grpc-status: 13/],
    ['the reply to another call', respond('0', (message) => rightReply(message).fill(9, 13)), /of another call/],
    ['too few octets', respond('0', (message) => rightReply(message).subarray(1)), /another message|16 bytes/],
    [
      'no trailers',
      (stream, message) => (stream.respond({ ':status': 200 }), stream.end(rightReply(message))),
      /no trailers/,
    ],
    ['a reset', (stream) => stream.close(2), /reset with code 2/],
    ['a closed connection', (stream) => stream.session?.destroy(), /connection: /],
    ['no answer', () => undefined, /no call was answered/],
  ];
  for (const [name, answer, says] of wrong) {
    it(`is void with ${name}`, async () => {
      await assert.rejects(driver.run(closed(await serve(answer))), says);
    });
  }

  const commands: readonly (readonly [name: string, command: (basis: ClosedLoop) => LoadCommand])[] = [
    ['small calls', (basis) => ({ ...basis, connections: 3, underWay: 120 })],
    ['calls that wander', (basis) => ({ ...basis, connections: 20, underWay: 3 })],
    [
      'large replies',
      (basis) => ({ ...basis, call: { kind: 'unary', replyBytes: 1 << 20 }, connections: 1, underWay: 3 }),
    ],
    ['metadata', (basis) => ({ ...basis, call: { kind: 'metadata', replyBytes: 12 } })],
    ['an open loop', (basis) => ({ ...basis, kind: 'open', callsPerSecond: 2000 })],
    ['a stream of messages', (basis) => ({ ...basis, kind: 'echo', messages: 3000, underWay: 100 })],
    ['idle connections', (basis) => ({ ...basis, kind: 'idle', connections: 150, settleMs: 10, callsPerSecond: 500 })],
  ];
  for (const [name, command] of commands) {
    it(`works with the backends of the benchmark: ${name}`, async () => {
      const backends = await startBackends(2, pin);
      try {
        const { calls, memory } = await driver.run(command(closed(backends.ports[1] ?? 0)));
        assert.ok(calls > 0);
        const [first, second = 0] = await backends.counts();
        assert.equal(first, 0);
        assert.ok(second > 0);
        assert.equal(memory?.connections, name === 'idle connections' ? 150 : undefined);
      } finally {
        await backends.stop();
      }
    });
  }
});
