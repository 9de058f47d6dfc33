// RFC 9113 §8 from end to end: what is malformed goes no further, what goes further is as it was.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concat, FLAG, FRAME, literalBlock, type RawFrame, rawFrame, TestCaller } from '@steelyard/testkit';
import { Attacker, openRequest, REQUEST_FIELDS } from '../abuse/attacker.test-bed.ts';
import { cleanUp } from './proxy.test-bed.ts';
import { type ScriptedPod, startBefore, startScriptedPod } from './scripted-pod.test-bed.ts';

const { DATA, HEADERS, RST_STREAM } = FRAME;
const { END_HEADERS, END_STREAM } = FLAG;
const PROTOCOL_ERROR = 1;

type Pair = readonly [name: string, value: string];

const head: readonly Pair[] = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
];

/** A message of no octets, and the status. */
function properAnswer(id: number): Uint8Array {
  return concat(
    rawFrame(HEADERS, END_HEADERS, id, literalBlock(head)),
    rawFrame(DATA, 0, id, [0, 0, 0, 0, 0]),
    rawFrame(HEADERS, END_HEADERS | END_STREAM, id, literalBlock([['grpc-status', '0']])),
  );
}

function heads({ received }: ScriptedPod): RawFrame[] {
  return received.filter(({ type }) => type === HEADERS);
}

describe('malformed requests never reach a pod', () => {
  const authority = REQUEST_FIELDS.filter(([name]) => name !== ':authority');
  const malformed: readonly (readonly [why: string, fields: readonly Pair[]])[] = [
    ['an upper-case name', [...REQUEST_FIELDS, ['X-Upper', 'a']]],
    ['a request smuggled in a value', [...REQUEST_FIELDS, ['x', 'a\r\n\r\nGET /admin HTTP/1.1']]],
    ['NUL in a value', [...REQUEST_FIELDS, ['x', 'a\0']]],
    ['connection', [...REQUEST_FIELDS, ['connection', 'close']]],
    ['transfer-encoding', [...REQUEST_FIELDS, ['transfer-encoding', 'chunked']]],
    ['te: gzip', [...REQUEST_FIELDS, ['te', 'gzip']]],
    ['another host', [...REQUEST_FIELDS, ['host', 'elsewhere:8000']]],
    ['userinfo', [...authority, [':authority', 'user@backend:8000']]],
    ['a pseudo-header field at the end', [...REQUEST_FIELDS, [':path', '/admin']]],
  ];
  for (const [why, fields] of malformed) {
    test(why, async () => {
      const pod = await startScriptedPod(properAnswer);
      const { address } = await startBefore(pod);
      const caller = new Attacker(address.port);
      caller.socket.write(rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, literalBlock(fields)));
      const reset = await caller.frame(({ type }) => type === RST_STREAM);
      assert.deepEqual([reset.streamId, reset.payload[3]], [1, PROTOCOL_ERROR]);
      caller.socket.write(openRequest(3));
      await caller.frame(({ streamId, flags }) => streamId === 3 && (flags & END_STREAM) !== 0);
      assert.equal(heads(pod).length, 1, 'only the good one');
      caller.socket.destroy();
    });
  }
});

describe('malformed responses are no success', () => {
  const header = (id: number, fields: readonly Pair[], flags = 0): Uint8Array =>
    rawFrame(HEADERS, END_HEADERS | flags, id, literalBlock(fields));
  const malformed: readonly (readonly [why: string, answer: (id: number) => Uint8Array])[] = [
    ['an upper-case name', (id) => header(id, [...head, ['X-Upper', 'a']])],
    ['CR and LF in a value', (id) => header(id, [...head, ['x', 'a\r\nb: c']])],
    ['connection', (id) => header(id, [...head, ['connection', 'close']])],
    ['no :status', (id) => header(id, head.slice(1))],
    ['DATA before the header', (id) => rawFrame(DATA, 0, id, [0, 0, 0, 0, 0])],
    ['trailers that do not end it', (id) => concat(header(id, head), header(id, [['grpc-status', '0']]))],
    [
      'a pseudo-header field in trailers',
      (id) =>
        concat(
          header(id, head),
          header(
            id,
            [
              ['grpc-status', '0'],
              [':status', '200'],
            ],
            END_STREAM,
          ),
        ),
    ],
    [
      'more than content-length says',
      (id) => concat(header(id, [...head, ['content-length', '3']]), rawFrame(DATA, END_STREAM, id, [0, 0, 0, 0, 0])),
    ],
    [
      'less than content-length says',
      (id) => concat(header(id, [...head, ['content-length', '9']]), rawFrame(DATA, END_STREAM, id, [0, 0, 0, 0, 0])),
    ],
    ['a 1xx that ends it', (id) => header(id, [[':status', '103']], END_STREAM)],
  ];
  for (const [why, answer] of malformed) {
    test(why, async () => {
      let good = false;
      const pod = await startScriptedPod((id) => (good ? properAnswer(id) : answer(id)));
      const { address } = await startBefore(pod);
      const caller = new TestCaller(address.port);
      cleanUp.push(() => caller.close());
      const { headers, trailers, resetCode } = await caller.call('x');
      const status = String(headers['grpc-status'] ?? trailers['grpc-status'] ?? 'none');
      assert.ok(status === '13' || (status === 'none' && resetCode !== 0), `grpc-status ${status}, reset ${resetCode}`);
      good = true;
      assert.equal((await caller.call('x')).trailers['grpc-status'], '0');
      assert.equal(pod.connections, 1, 'the connection goes on');
    });
  }
});

test('a field that is never to be indexed is not on its way on either (RFC 7541 §6.2.3)', async () => {
  const pod = await startScriptedPod(properAnswer);
  const { address } = await startBefore(pod);
  const caller = new Attacker(address.port);
  // authorization: abc, its name by the static table (23 = 15 + 8).
  const secret = [0x1f, 0x08, 0x03, 0x61, 0x62, 0x63];
  for (const id of [1, 3, 5]) {
    const block = [...literalBlock(REQUEST_FIELDS), ...secret];
    caller.socket.write(rawFrame(HEADERS, END_HEADERS | END_STREAM, id, block));
    await caller.frame(({ streamId, flags }) => streamId === id && (flags & END_STREAM) !== 0);
  }
  const arrived = heads(pod).map(({ payload }) => Buffer.from(payload).includes(Buffer.from(secret)));
  assert.deepEqual(arrived, [true, true, true]);
  caller.socket.destroy();
});
