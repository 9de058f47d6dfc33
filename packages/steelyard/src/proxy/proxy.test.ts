import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { connect, createServer } from 'node:net';
import { after, describe, test } from 'node:test';
import { chiSquareTest, createSeededRandom } from '@steelyard/core/balance';
import {
  collect,
  createTestSource,
  echo,
  type PodBehaviour,
  startPod,
  TestCaller,
  type TestPodServer,
  type TestSource,
} from '@steelyard/testkit';
import type { Logger } from '../log.ts';
import { ListenError } from './listen.ts';
import { type Proxy, startProxy } from './proxy.ts';

const silent: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  forComponent: () => silent,
};

const cleanUp: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const close of cleanUp.toReversed()) await close();
});

interface Bed {
  readonly pods: readonly TestPodServer[];
  readonly source: TestSource;
  readonly proxy: Proxy;
  readonly caller: TestCaller;
}

async function startBed(
  podCount: number,
  behaviour: PodBehaviour = echo,
  settings = {},
  simple = 'RANDOM',
): Promise<Bed> {
  const pods = await Promise.all(Array.from({ length: podCount }, () => startPod(behaviour, settings)));
  const source = createTestSource(pods, simple);
  const proxy = await startProxy({
    snapshots: source,
    listen: { host: '127.0.0.1', port: 0 },
    namespace: 'default',
    log: silent,
    random: createSeededRandom(7),
  });
  const caller = new TestCaller(proxy.address.port);
  for (const pod of pods) cleanUp.push(() => pod.close());
  cleanUp.push(
    () => proxy.close(),
    () => caller.close(),
  );
  return { pods, source, proxy, caller };
}

describe('calls through the proxy', () => {
  test('every call is balanced on its own, over one connection', async () => {
    const { pods, caller } = await startBed(3);
    for (let round = 0; round < 12; round++) await Promise.all(Array.from({ length: 50 }, () => caller.call('hi')));
    const { pValue } = chiSquareTest(
      pods.map((pod) => pod.calls),
      pods.map(() => 1 / 3),
    );
    assert.ok(pValue > 0.001, `${pods.map((pod) => pod.calls).join(' ')} p=${pValue}`);
    assert.equal(
      pods.reduce((sum, pod) => sum + pod.calls, 0),
      600,
    );
    for (const pod of pods) assert.equal(pod.sessions.size, 1, 'one busy connection a pod');
  });

  test('ROUND_ROBIN gives equal shares exactly', async () => {
    const { pods, caller } = await startBed(3, echo, {}, 'ROUND_ROBIN');
    for (let i = 0; i < 30; i++) await caller.call('hi');
    assert.deepEqual(
      pods.map((pod) => pod.calls),
      [10, 10, 10],
    );
  });

  test('bodies, metadata, te and trailers arrive as they were sent', async () => {
    const { caller } = await startBed(2);
    for (const size of [0, 1, 12, 16_384, 65_535, 65_536, 300_000, 3_000_000]) {
      const body = randomBytes(size);
      const meta = randomBytes(size % 4000).toString('base64');
      const reply = await caller.call(body, { 'x-meta': meta, 'grpc-timeout': `${size}m` });
      assert.ok(reply.body.equals(body), `${size} octets`);
      assert.ok((reply.headers['x-echo'] ?? '') === meta, `metadata of ${meta.length}`);
      assert.deepEqual(Object.entries(reply.trailers), [
        ['grpc-status', '0'],
        ['x-te', 'trailers'],
      ]);
      assert.equal(reply.resetCode, 0);
    }
  });

  test('many large calls at once, both ways', async () => {
    const { caller } = await startBed(3);
    const bodies = Array.from({ length: 40 }, (_, i) => randomBytes(i * 9001));
    const replies = await Promise.all(bodies.map((body) => caller.call(body)));
    for (const [i, reply] of replies.entries()) assert.ok(reply.body.equals(bodies[i] ?? Buffer.of()), `call ${i}`);
  });

  test('metadata larger than a frame', async () => {
    const { caller } = await startBed(1);
    const meta = randomBytes(20_000).toString('base64');
    const reply = await caller.call('x', { 'x-meta': meta });
    assert.ok(reply.headers['x-echo'] === meta, 'not what was sent');
  });

  test('a server that answers and ends before the caller has ended', async () => {
    const early: PodBehaviour = (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '7' }, { endStream: true });
    };
    const { caller } = await startBed(1, early);
    const stream = caller.open();
    stream.write('the first of many');
    const reply = await collect(stream);
    assert.equal(reply.headers['grpc-status'], '7');
    assert.equal(reply.resetCode, constants.NGHTTP2_NO_ERROR);
  });

  test('bidirectional: messages pass while both sides are open', async () => {
    const { caller } = await startBed(1);
    const stream = caller.open();
    for (let i = 0; i < 20; i++) {
      stream.write(`ping ${i}`);
      const [chunk] = await once(stream, 'data');
      assert.equal(String(chunk), `ping ${i}`);
    }
    stream.end();
    assert.equal((await collect(stream)).trailers['grpc-status'], '0');
  });

  test('a caller that cancels: the pod sees it, and never a complete request', async () => {
    let seen: ((how: { readonly code: number | undefined; readonly aborted: boolean }) => void) | undefined;
    const waiting: PodBehaviour = (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.resume();
      stream.on('close', () => seen?.({ code: stream.rstCode, aborted: stream.aborted }));
    };
    const { caller } = await startBed(1, waiting);
    const stream = caller.open();
    const reset = new Promise((resolve) => (seen = resolve));
    stream.write('half a message');
    await once(stream, 'response');
    stream.close(constants.NGHTTP2_CANCEL);
    assert.deepEqual(await reset, { code: constants.NGHTTP2_CANCEL, aborted: true });
  });

  test('a caller that is gone: the pod sees a reset', async () => {
    let seen: (() => void) | undefined;
    const waiting: PodBehaviour = (stream) => {
      stream.respond({ ':status': 200 });
      stream.on('close', () => seen?.());
    };
    const { caller, proxy } = await startBed(1, waiting);
    const other = new TestCaller(proxy.address.port);
    const stream = other.open();
    const gone = new Promise<void>((resolve) => (seen = resolve));
    await once(stream, 'response');
    other.session.destroy();
    await gone;
    assert.equal(caller.session.destroyed, false);
  });

  test('a reader that stalls holds its own sender only', async () => {
    let sent = 0;
    const flood: PodBehaviour = (stream, headers) => {
      if (headers['x-meta'] !== 'flood') {
        echo(stream, headers);
        return;
      }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      const chunk = Buffer.alloc(16_384);
      const more = (): void => {
        while (sent < 64 * 1024 * 1024 && !stream.destroyed) {
          sent += chunk.length;
          if (!stream.write(chunk)) break;
        }
      };
      stream.on('drain', more);
      more();
    };
    const { caller, proxy } = await startBed(1, flood);
    // The stalled reader has used up its own connection's window; the others share the pod's connection with it.
    const other = new TestCaller(proxy.address.port);
    cleanUp.push(() => other.close());
    const stalled = caller.open({ 'x-meta': 'flood' });
    stalled.end();
    stalled.pause();
    await once(stalled, 'response');
    for (let i = 0; i < 50; i++) assert.equal((await other.call(randomBytes(10_000))).body.length, 10_000);
    const held = sent;
    assert.ok(held < 4 * 1024 * 1024, `${held} octets have left the pod`);
    stalled.destroy();
    await once(stalled, 'close');
  });
});

describe('where calls go', () => {
  const authorities: readonly (readonly [authority: string, served: boolean])[] = [
    ['backend', true],
    ['backend:8000', true],
    ['backend.default', true],
    ['backend.default.svc:8000', true],
    ['backend.default.svc.cluster.local', true],
    ['BACKEND.default.svc.cluster.local.:8000', true],
    ['10.97.211.12:8000', true],
    ['backend:8001', false],
    ['backend.other', false],
    ['nobody', false],
  ];

  test('the authority decides, in every form a Service has; what is unknown is UNIMPLEMENTED', async () => {
    const { caller } = await startBed(1);
    for (const [authority, served] of authorities) {
      const reply = await caller.call('x', { ':authority': authority });
      assert.equal(reply.headers['grpc-status'] ?? reply.trailers['grpc-status'], served ? '0' : '12', authority);
      if (!served) assert.match(String(reply.headers['grpc-message']), /^steelyard: .*authority/);
    }
  });

  test('--service takes what names no Service', async () => {
    const pod = await startPod();
    const proxy = await startProxy({
      snapshots: createTestSource([pod]),
      listen: { host: '127.0.0.1', port: 0 },
      namespace: 'elsewhere',
      service: { namespace: 'default', name: 'backend', port: 8000 },
      log: silent,
    });
    const caller = new TestCaller(proxy.address.port);
    cleanUp.push(
      () => pod.close(),
      () => proxy.close(),
      () => caller.close(),
    );
    assert.equal((await caller.call('x', { ':authority': 'localhost:1' })).trailers['grpc-status'], '0');
  });

  test('pods come and go without a lost call; the old connection closes when its calls are done', async () => {
    const { pods, source, caller } = await startBed(2);
    const [first, second] = pods;
    assert.ok(first && second);
    const streams = Array.from({ length: 8 }, () => caller.open());
    await Promise.all(streams.map((stream) => (stream.write('x'), once(stream, 'data'))));
    assert.ok(first.calls > 0 && second.calls > 0);
    source.setPods([second]);
    const before = first.calls;
    for (let i = 0; i < 20; i++) assert.equal((await caller.call('y')).trailers['grpc-status'], '0');
    assert.equal(first.calls, before, 'no new call for the pod that went');
    assert.equal(first.sessions.size, 1, 'its calls go on');
    const closed = once([...first.sessions][0] ?? first.server, 'close');
    for (const stream of streams) stream.end();
    for (const stream of streams) assert.equal((await collect(stream)).trailers['grpc-status'], '0');
    await closed;
    source.setPods([first, second]);
    for (let i = 0; i < 20; i++) assert.equal((await caller.call('z')).trailers['grpc-status'], '0');
    assert.ok(first.calls > before, 'it is back');
  });

  test('a pod that allows few streams gets more connections', async () => {
    const { pods, caller } = await startBed(1, echo, { maxConcurrentStreams: 10 });
    await caller.call('the settings are known now');
    const streams = Array.from({ length: 60 }, () => caller.open());
    await Promise.all(streams.map((stream) => (stream.write('x'), once(stream, 'data'))));
    assert.equal(pods[0]?.sessions.size, 6);
    for (const stream of streams) stream.end();
    for (const stream of streams) assert.equal((await collect(stream)).trailers['grpc-status'], '0');
  });
});

describe('failures become gRPC statuses', () => {
  function statusOf(reply: Awaited<ReturnType<TestCaller['call']>>): string {
    const fields = reply.headers['grpc-status'] === undefined ? reply.trailers : reply.headers;
    return `${String(fields['grpc-status'])} ${decodeURIComponent(String(fields['grpc-message']))}`;
  }

  test('no endpoint', async () => {
    const { caller } = await startBed(0);
    assert.match(statusOf(await caller.call('x')), /^14 steelyard: .*no endpoint/);
  });

  test('connection refused', async () => {
    const { caller, source } = await startBed(1);
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    server.close();
    await once(server, 'close');
    source.setPods([{ port: address.port }]);
    assert.match(
      statusOf(await caller.call('x')),
      new RegExp(`^14 steelyard: .*127.0.0.1:${address.port}.*ECONNREFUSED`),
    );
  });

  test('a pod that is killed in the middle: before and after its header', async () => {
    const half: PodBehaviour = (stream, headers) => {
      if (headers['x-meta'] === 'late') stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      setImmediate(() => stream.session?.destroy());
    };
    const { caller } = await startBed(1, half);
    const early = await caller.call('x');
    assert.equal(early.headers[':status'], 200);
    assert.match(statusOf(early), /^14 steelyard: the connection to 127\.0\.0\.1:\d+ was lost/);
    const late = await caller.call('x', { 'x-meta': 'late' });
    assert.match(statusOf(late), /^14 steelyard: the connection to /);
  });

  const codes: readonly (readonly [code: number, status: number])[] = [
    [constants.NGHTTP2_REFUSED_STREAM, 14],
    [constants.NGHTTP2_CANCEL, 1],
    [constants.NGHTTP2_ENHANCE_YOUR_CALM, 8],
    [constants.NGHTTP2_INADEQUATE_SECURITY, 7],
    [constants.NGHTTP2_INTERNAL_ERROR, 13],
    [constants.NGHTTP2_PROTOCOL_ERROR, 13],
  ];

  test("a pod's RST_STREAM, by gRPC's table", async () => {
    const resets: PodBehaviour = (stream, headers) => stream.close(Number(headers['x-meta']));
    const { caller } = await startBed(1, resets);
    for (const [code, status] of codes) {
      assert.match(
        statusOf(await caller.call('x', { 'x-meta': String(code) })),
        new RegExp(`^${status} steelyard: 127`),
      );
    }
  });

  test('a pod that is no HTTP/2 server', async () => {
    const { caller, source } = await startBed(1);
    const plain = createServer((socket) => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(
      0,
      '127.0.0.1',
    );
    await once(plain, 'listening');
    cleanUp.push(() => once(plain.close(), 'close'));
    const address = plain.address();
    assert.ok(typeof address === 'object' && address !== null);
    source.setPods([{ port: address.port }]);
    assert.match(statusOf(await caller.call('x')), /^14 steelyard: the connection to .* was lost/);
  });

  test('a caller that does not speak gRPC gets an HTTP status and a sentence', async () => {
    const { caller } = await startBed(0);
    const reply = await caller.call('', { 'content-type': 'text/html' });
    assert.equal(reply.headers[':status'], 503);
    assert.match(reply.body.toString(), /^steelyard: .*no endpoint/);
  });

  test('metadata beyond the limit', async () => {
    const { caller } = await startBed(1);
    const reply = await caller.call('x', { 'x-meta': 'm'.repeat(70_000) });
    assert.match(statusOf(reply), /^8 steelyard: /);
  });
});

describe('the end', () => {
  test('drain: calls under way finish, new connections are refused', async () => {
    const { proxy, caller } = await startBed(1);
    const stream = caller.open();
    stream.write('x');
    await once(stream, 'data');
    const drained = proxy.drain(10_000);
    await once(caller.session, 'goaway');
    stream.end('y');
    assert.equal((await collect(stream)).trailers['grpc-status'], '0');
    await drained;
    const socket = connect(proxy.address.port, '127.0.0.1');
    const [error] = await once(socket, 'error');
    assert.equal(error.code, 'ECONNREFUSED');
  });

  test('drain ends what takes too long', async () => {
    const { proxy, caller } = await startBed(1);
    const stream = caller.open();
    stream.write('x');
    await once(stream, 'data');
    const reply = collect(stream);
    await proxy.drain(20);
    assert.notEqual((await reply).trailers['grpc-status'], '0');
  });

  test('a port in use', async () => {
    const { proxy } = await startBed(1);
    await assert.rejects(
      startProxy({ snapshots: createTestSource([]), listen: proxy.address, namespace: 'default', log: silent }),
      (error) =>
        error instanceof ListenError && /cannot listen on 127\.0\.0\.1:\d+: another process/.test(error.message),
    );
  });
});
