import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionSubject, FLAG, FRAME, REQUEST, concat, rawFrame, request } from '@steelyard/testkit';
import { fc } from '@steelyard/testkit/properties';

const { DATA, HEADERS, PING, CONTINUATION } = FRAME;
const { END_STREAM, END_HEADERS, PADDED } = FLAG;

test('frames arrive the same however the octets are cut', () => {
  const wire = concat(
    request(1),
    rawFrame(
      DATA,
      0,
      1,
      Array.from({ length: 300 }, (_, i) => i & 0xff),
    ),
    rawFrame(DATA, PADDED | END_STREAM, 1, [
      10,
      ...Array.from({ length: 60 }, () => 5),
      ...Array.from({ length: 10 }, () => 0),
    ]),
    rawFrame(HEADERS, 0, 3, REQUEST.slice(0, 10)),
    rawFrame(CONTINUATION, END_HEADERS, 3, REQUEST.slice(10)),
    rawFrame(PING, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]),
    rawFrame(DATA, END_STREAM, 3),
  );
  const told = (chunks: readonly Uint8Array[]): string[] => {
    const server = new ConnectionSubject('server');
    for (const chunk of chunks) server.receive(chunk);
    const sums = new Map<string, number>();
    const rest: string[] = [];
    for (const line of server.told) {
      const match = /^data (?<id>\d+) (?<count>\d+)(?<end> end)?$/.exec(line)?.groups;
      if (match === undefined) rest.push(line);
      else sums.set(`${match['id']}`, (sums.get(`${match['id']}`) ?? 0) + Number(match['count']));
      if (match?.['end'] !== undefined) rest.push(`end ${match['id']}`);
    }
    return [...rest, JSON.stringify([...sums]), ...server.said()];
  };
  const whole = told([wire]);
  assert.ok(whole.includes('[["1",360],["3",0]]'), whole.join('\n'));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: wire.length - 1 }), { maxLength: 60 }), (cuts) => {
      const at = [0, ...new Set(cuts.toSorted((a, b) => a - b)), wire.length];
      assert.deepEqual(told(at.slice(1).map((end, i) => wire.subarray(at[i], end))), whole);
    }),
  );
});
