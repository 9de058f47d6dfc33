import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ticker, type Ticking } from './ticker.ts';

interface Counting extends Ticking {
  ticks: number;
}

function counting(): Counting {
  const member = {
    ticks: 0,
    tick(): void {
      member.ticks++;
    },
  };
  return member;
}

for (const count of [1, 5, 10, 11, 1003]) {
  test(`${count} members have one turn each in ten parts, no part with more than its share`, () => {
    const ticker = new Ticker(() => 0);
    const members = Array.from({ length: count }, counting);
    for (const member of members) ticker.add(member);
    for (let round = 1; round <= 3; round++) {
      let before = members.reduce((sum, { ticks }) => sum + ticks, 0);
      for (let part = 0; part < 10; part++) {
        ticker.tickPart();
        const after = members.reduce((sum, { ticks }) => sum + ticks, 0);
        assert.ok(after - before <= Math.ceil(count / 10));
        before = after;
      }
      assert.ok(members.every(({ ticks }) => ticks === round));
    }
    for (const member of members) ticker.remove(member);
  });
}

test('members come and go in the middle of a round', () => {
  const ticker = new Ticker(() => 0);
  const members = Array.from({ length: 20 }, counting);
  for (const member of members) ticker.add(member);
  ticker.tickPart();
  const [late, gone] = [counting(), members[19]];
  ticker.add(late);
  ticker.remove(gone ?? assert.fail());
  for (let part = 1; part < 10; part++) ticker.tickPart();
  assert.deepEqual(
    members.map(({ ticks }) => ticks),
    members.map((member) => (member === gone ? 0 : 1)),
  );
  assert.equal(late.ticks, 1);
  for (const member of [...members, late]) ticker.remove(member);
});
