// docs/limits.md holds on both sides: a pod that floods loses its connection, and calls go on over another.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import {
  collect,
  concat,
  FLAG,
  FRAME,
  literalBlock,
  MemoryWatch,
  rawFrame,
  setting,
  TestCaller,
  uint32,
} from '@steelyard/testkit';
import { cleanUp } from '../end-to-end/proxy.test-bed.ts';
import { startBefore, startScriptedPod } from '../end-to-end/scripted-pod.test-bed.ts';

const { CONTINUATION, DATA, GOAWAY, HEADERS, PING, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE } =
  FRAME;
const { END_HEADERS, END_STREAM } = FLAG;
const PROTOCOL_ERROR = 1;
const FLOW_CONTROL_ERROR = 3;
const ENHANCE_YOUR_CALM = 11;
const CEILING = 24 * 1024 * 1024;

const head = literalBlock([
  [':status', '200'],
  ['content-type', 'application/grpc'],
]);
const done = literalBlock([
  [':status', '200'],
  ['content-type', 'application/grpc'],
  ['grpc-status', '0'],
]);

function often(frame: Uint8Array, times = 2000): Uint8Array {
  return concat(...Array.from({ length: times }, () => frame));
}

function early(id: number): Uint8Array {
  return rawFrame(HEADERS, END_HEADERS, id, literalBlock([[':status', '103']]));
}

const floods: readonly (readonly [name: string, code: number, says: string, answer: (id: number) => Uint8Array])[] = [
  [
    'SETTINGS',
    ENHANCE_YOUR_CALM,
    'too many SETTINGS frames',
    () => often(rawFrame(SETTINGS, 0, 0, setting(4, 65_535))),
  ],
  ['PING', ENHANCE_YOUR_CALM, 'too many PING frames', () => often(rawFrame(PING, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]))],
  ['PRIORITY', ENHANCE_YOUR_CALM, 'too many PRIORITY frames', () => often(rawFrame(PRIORITY, 0, 1, [...uint32(0), 1]))],
  [
    'WINDOW_UPDATE',
    ENHANCE_YOUR_CALM,
    'too many WINDOW_UPDATE frames',
    () => often(rawFrame(WINDOW_UPDATE, 0, 0, uint32(1))),
  ],
  [
    'frames of unknown types',
    ENHANCE_YOUR_CALM,
    'too many frames of unknown types',
    () => often(rawFrame(0x42, 0, 0, [1])),
  ],
  [
    '1xx responses that do not end with their call',
    ENHANCE_YOUR_CALM,
    'too many frames of streams that have ended',
    (id) => often(early(id), 5000),
  ],
  [
    'empty DATA that does not end with its call',
    ENHANCE_YOUR_CALM,
    'too many frames of streams that have ended',
    (id) => concat(rawFrame(HEADERS, END_HEADERS, id, head), often(rawFrame(DATA, 0, id), 5000)),
  ],
  [
    'CONTINUATION',
    ENHANCE_YOUR_CALM,
    'a header block in more than 8 frames',
    (id) => concat(rawFrame(HEADERS, 0, id, head), often(rawFrame(CONTINUATION, 0, id, [0, 1, 120, 0]), 20)),
  ],
  [
    'an HPACK bomb',
    ENHANCE_YOUR_CALM,
    'a header list far beyond the limit',
    (id) => {
      const entry = [0x40, 1, 0x78, 0x7f, 0x89, 0x1e, ...Array.from({ length: 3976 }, () => 0x79)];
      return rawFrame(HEADERS, END_HEADERS, id, [...head, ...entry, ...Array.from({ length: 100 }, () => 0xbe)]);
    },
  ],
  [
    'a push, which nobody asked for',
    PROTOCOL_ERROR,
    'PUSH_PROMISE',
    (id) => rawFrame(PUSH_PROMISE, END_HEADERS, id, uint32(2)),
  ],
  [
    'a window beyond 2^31 - 1',
    FLOW_CONTROL_ERROR,
    'the window of the connection passes 2^31 - 1',
    () => rawFrame(WINDOW_UPDATE, 0, 0, uint32(0x7fffffff)),
  ],
];

describe('a pod that floods loses its connection, and nothing else is lost', () => {
  for (const [name, code, says, answer] of floods) {
    test(name, async () => {
      let good = false;
      const pod = await startScriptedPod((id) =>
        good ? rawFrame(HEADERS, END_HEADERS | END_STREAM, id, done) : answer(id),
      );
      const proxy = await startBefore(pod);
      const caller = new TestCaller(proxy.address.port);
      cleanUp.push(() => caller.close());
      const memory = new MemoryWatch();
      // Without the limit there would be no end to it.
      const { headers, trailers, resetCode } = await caller.call('x', { 'grpc-timeout': '10S' });
      const status = String(headers['grpc-status'] ?? trailers['grpc-status'] ?? 'none');
      assert.ok(status !== '0' && (status !== 'none' || resetCode !== 0), `grpc-status ${status}, reset ${resetCode}`);
      good = true;
      assert.equal((await caller.call('x')).headers['grpc-status'], '0');
      // Before its end a budget warns, without an error.
      const farewells = pod.received.filter(({ type }) => type === GOAWAY);
      const said = farewells.map(({ payload }) => `${payload[7]} ${Buffer.from(payload.subarray(8)).toString()}`);
      assert.ok(said.includes(`${code} ${says}`), `the pod heard ${said.join(', ')}`);
      assert.equal((await proxy.report()).endpoints[0]?.active, 0);
      const grown = memory.grown();
      assert.ok(grown < CEILING, `memory grew by ${grown} octets`);
    });
  }
});

describe('a pod that floods one call loses that call, and the others on its connection go on', () => {
  const message = [0, 0, 0, 0, 1, 7];
  const trailers = literalBlock([['grpc-status', '0']]);
  const lines: readonly (readonly [name: string, says: string, answer: (id: number) => Uint8Array])[] = [
    ['1xx responses', 'too many 1xx responses', (id) => often(early(id), 1500)],
    [
      'empty DATA (CVE-2019-9518)',
      'too many DATA frames without content',
      (id) => concat(rawFrame(HEADERS, END_HEADERS, id, head), often(rawFrame(DATA, 0, id), 1500)),
    ],
    [
      'DATA of one octet',
      'too many DATA frames of next to nothing',
      (id) => concat(rawFrame(HEADERS, END_HEADERS, id, head), often(rawFrame(DATA, 0, id, [0]), 100_000)),
    ],
  ];
  for (const [name, says, answer] of lines) {
    test(name, async () => {
      let held = 0;
      const pod = await startScriptedPod((id) => {
        if (held === 0) {
          held = id;
          return concat(rawFrame(HEADERS, END_HEADERS, id, head), rawFrame(DATA, 0, id, message));
        }
        if (id === held + 2) return answer(id);
        const end = rawFrame(HEADERS, END_HEADERS | END_STREAM, held, trailers);
        return concat(rawFrame(HEADERS, END_HEADERS | END_STREAM, id, done), end);
      });
      const proxy = await startBefore(pod);
      const caller = new TestCaller(proxy.address.port);
      cleanUp.push(() => caller.close());
      const other = caller.open();
      other.end();
      await once(other, 'data');
      const flooded = await caller.call('x', { 'grpc-timeout': '10S' });
      const told = { ...flooded.headers, ...flooded.trailers };
      assert.equal(told['grpc-status'], '8');
      assert.match(String(told['grpc-message']), new RegExp(says));
      assert.equal((await caller.call('x')).headers['grpc-status'], '0');
      assert.equal((await collect(other)).trailers['grpc-status'], '0');
      assert.equal(pod.connections, 1);
      const resets = pod.received.filter(({ type }) => type === RST_STREAM);
      assert.deepEqual(
        resets.map(({ streamId, payload }) => [streamId, payload[3]]),
        [[held + 2, ENHANCE_YOUR_CALM]],
      );
      assert.equal(
        pod.received.some(({ type }) => type === GOAWAY),
        false,
      );
    });
  }

  test('calls with four 1xx responses each, hundreds at once, are none', async () => {
    const waiting: number[] = [];
    const count = 300;
    const end = (id: number): Uint8Array => rawFrame(HEADERS, END_HEADERS | END_STREAM, id, done);
    const pod = await startScriptedPod(
      (id) => {
        if (waiting.push(id) === 1) return end(id);
        if (waiting.length <= count) return concat();
        return concat(...waiting.slice(1).map((each) => concat(often(early(each), 4), end(each))));
      },
      setting(3, 10_000),
    );
    const proxy = await startBefore(pod);
    const caller = new TestCaller(proxy.address.port);
    cleanUp.push(() => caller.close());
    // The pod's SETTINGS are known from here on: the others share a connection.
    await caller.call('x');
    const replies = await Promise.all(Array.from({ length: count }, () => caller.call('x')));
    assert.deepEqual(new Set(replies.map(({ headers }) => headers['grpc-status'])), new Set(['0']));
    assert.deepEqual([waiting.length, pod.connections], [count + 1, 1]);
    assert.equal(
      pod.received.some(({ type }) => type === GOAWAY),
      false,
    );
  });
});
