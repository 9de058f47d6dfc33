import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CALL, ConnectionSubject, FLAG, FRAME, rawFrame, RESPONSE } from '@steelyard/testkit';
import type { HeaderBlock, Stream } from './index.ts';

const { CONTINUATION, DATA, HEADERS, PING } = FRAME;
const { END_HEADERS, END_STREAM } = FLAG;

/** A client that asks, at each header, whether a message comes right behind it. */
class Asking extends ConnectionSubject {
  readonly answers: boolean[] = [];

  constructor() {
    super('client');
    for (let i = 0; i < 2; i++) this.connection.request(CALL, true, 'call');
  }

  override onHeaders(stream: Stream<string>, block: HeaderBlock, endStream: boolean): void {
    this.answers.push(this.connection.dataFollows(stream));
    super.onHeaders(stream, block, endStream);
  }
}

const header = (id: number): Uint8Array => rawFrame(HEADERS, END_HEADERS, id, RESPONSE);
const data = (id: number, length = 5): Uint8Array =>
  rawFrame(
    DATA,
    0,
    id,
    Array.from({ length }, () => 7),
  );
const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

describe('dataFollows', () => {
  for (const [what, chunks, answers] of [
    ['DATA in the same read', [join(header(1), data(1))], [true]],
    ['the beginning of DATA in the same read', [join(header(1), data(1)).subarray(0, -4)], [true]],
    ['DATA in the next read', [header(1), data(1)], [false]],
    ['too little of a frame to tell', [join(header(1), data(1).subarray(0, 8)), data(1).subarray(8)], [false]],
    [
      'a header that was cut, and DATA behind it',
      [header(1).subarray(0, 10), join(header(1).subarray(10), data(1))],
      [true],
    ],
    [
      'a header that was cut behind other frames, and DATA behind it',
      [
        join(rawFrame(PING, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]), header(1).subarray(0, 10)),
        join(header(1).subarray(10), data(1, 40)),
      ],
      [true],
    ],
    ['empty DATA', [join(header(1), data(1, 0), data(1))], [false]],
    ['the end', [join(header(1), rawFrame(DATA, END_STREAM, 1))], [false]],
    ['DATA of another call', [join(header(1), header(3), data(1), data(3))], [false, false]],
    ['another frame first', [join(header(1), rawFrame(PING, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]), data(1))], [false]],
    [
      'DATA behind a CONTINUATION',
      [join(rawFrame(HEADERS, 0, 1, []), rawFrame(CONTINUATION, END_HEADERS, 1, RESPONSE), data(1))],
      [true],
    ],
  ] as const) {
    test(what, () => {
      const client = new Asking();
      for (const chunk of chunks) client.receive(chunk);
      assert.deepEqual(client.answers, answers);
    });
  }
});
