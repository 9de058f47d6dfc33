// Callers that do not speak gRPC: what the proxy answers them itself, and what it hands on of pods.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  concat,
  createTestSource,
  FLAG,
  FRAME,
  literalBlock,
  type RawFrame,
  rawFrame,
  TestCaller,
  uint32,
} from '@steelyard/testkit';
import { Attacker } from '../abuse/attacker.test-bed.ts';
import { startProxy } from '../proxy.ts';
import { startBefore, startScriptedPod } from './scripted-pod.test-bed.ts';
import { cleanUp, silent, startBed } from './proxy.test-bed.ts';

const { DATA, HEADERS, RST_STREAM } = FRAME;
const { END_HEADERS, END_STREAM } = FLAG;
const ENHANCE_YOUR_CALM = 11;
const CANCEL = 8;

/** An entry of 4 KB, and nineteen references to it. */
const tooLong: readonly number[] = [
  0x40,
  1,
  0x78,
  0x7f,
  0x89,
  0x1e,
  ...Array.from({ length: 3976 }, () => 0x79),
  ...Array.from({ length: 19 }, () => 0xbe),
];

type Answer = (id: number) => Uint8Array;

/** What comes back on stream 1 for a request without a body. */
async function framesFor(port: number, method: string): Promise<RawFrame[]> {
  const caller = new Attacker(port);
  const block = literalBlock([
    [':method', method],
    [':scheme', 'http'],
    [':path', '/page'],
    [':authority', 'backend:8000'],
  ]);
  caller.socket.write(rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, block));
  await caller.frame(({ type, flags, streamId }) => {
    return (
      streamId === 1 && (type === RST_STREAM || ((type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0))
    );
  });
  assert.equal(await caller.outlives(), true);
  caller.socket.destroy();
  return caller.frames().filter(({ type, streamId }) => streamId === 1 && (type === HEADERS || type === DATA));
}

async function statusBefore(answer: Answer, headers: Record<string, string> = {}): Promise<string> {
  const proxy = await startBefore(await startScriptedPod(answer));
  const caller = new TestCaller(proxy.address.port);
  cleanUp.push(() => caller.close());
  const reply = await caller.call('', { 'content-type': 'text/plain', ...headers });
  return `${String(reply.headers[':status'])} ${reply.body.toString()}`;
}

describe('HEAD (RFC 9110 §9.3.2)', () => {
  test('what the proxy answers itself ends with its header', async () => {
    const { proxy } = await startBed(0);
    const toHead = await framesFor(proxy.address.port, 'HEAD');
    assert.deepEqual(
      toHead.map(({ type, flags }) => [type, flags & END_STREAM]),
      [[HEADERS, END_STREAM]],
    );
    const toGet = await framesFor(proxy.address.port, 'GET');
    assert.deepEqual(
      toGet.map(({ type }) => type),
      [HEADERS, DATA],
    );
  });

  test('a length without content is handed on, and content is not', async () => {
    const header = literalBlock([
      [':status', '200'],
      ['content-length', '3'],
    ]);
    const right = await startBefore(
      await startScriptedPod((id) => rawFrame(HEADERS, END_HEADERS | END_STREAM, id, header)),
    );
    const [only] = await framesFor(right.address.port, 'HEAD');
    // ":status: 200" is one octet of it.
    assert.ok((only?.payload.length ?? 0) > 3);
    const wrong = await startBefore(
      await startScriptedPod((id) =>
        concat(rawFrame(HEADERS, END_HEADERS, id, header), rawFrame(DATA, END_STREAM, id, [1, 2, 3])),
      ),
    );
    const frames = await framesFor(wrong.address.port, 'HEAD');
    assert.equal(
      frames.some(({ type }) => type === DATA),
      false,
    );
  });
});

describe('what pods do to callers that do not speak gRPC', () => {
  const lines: readonly (readonly [name: string, answer: Answer, told: RegExp])[] = [
    [
      'a length without content (RFC 9113 §8.1.1)',
      (id) =>
        rawFrame(
          HEADERS,
          END_HEADERS | END_STREAM,
          id,
          literalBlock([
            [':status', '200'],
            ['content-length', '3'],
          ]),
        ),
      /^502 steelyard: the response of .* is malformed: 0 octets of content where there have to be 3/,
    ],
    [
      'RST_STREAM of ENHANCE_YOUR_CALM: it is not their fields that are too large',
      (id) => rawFrame(RST_STREAM, 0, id, uint32(ENHANCE_YOUR_CALM)),
      /^503 steelyard: .* reset the call with ENHANCE_YOUR_CALM/,
    ],
    [
      'RST_STREAM of CANCEL',
      (id) => rawFrame(RST_STREAM, 0, id, uint32(CANCEL)),
      /^502 steelyard: .* reset the call with CANCEL/,
    ],
    [
      'a header of too many fields',
      (id) =>
        rawFrame(
          HEADERS,
          END_HEADERS | END_STREAM,
          id,
          literalBlock([[':status', '200'], ...Array.from({ length: 120 }, () => ['x', 'y'] as const)]),
        ),
      /^502 steelyard: the metadata of the response of .* has more than 100 fields \(maxHeaderFields\)/,
    ],
    [
      'a header that is too long',
      (id) => rawFrame(HEADERS, END_HEADERS | END_STREAM, id, [...literalBlock([[':status', '200']]), ...tooLong]),
      /^502 steelyard: the metadata of the response of .* is larger than 65536 octets/,
    ],
  ];
  for (const [name, answer, told] of lines) {
    test(name, async () => assert.match(await statusBefore(answer), told));
  }
});

test('the access log has the octets of what the proxy answers itself', async () => {
  let lines = '';
  const sink = { write: (text: string) => (lines += text), dropped: 0, close: async () => undefined };
  const proxy = await startProxy({
    snapshots: createTestSource([]),
    listen: { host: '127.0.0.1', port: 0 },
    namespace: 'default',
    log: silent,
    accessLog: { selection: { kind: 'all' }, sink },
  });
  const caller = new TestCaller(proxy.address.port);
  cleanUp.push(
    () => proxy.close(),
    () => caller.close(),
  );
  const { body } = await caller.call('', { 'content-type': 'text/plain' });
  await framesFor(proxy.address.port, 'HEAD');
  await caller.close();
  await proxy.close();
  const octets = lines
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line).responseBytes);
  assert.ok(body.length > 0);
  assert.deepEqual(octets, [body.length, 0]);
});
