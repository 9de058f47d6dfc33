import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { chiSquareTest } from './chi-square.ts';
import { createSeededRandom } from './seeded-random.ts';

/** Worked with 64-bit integers, so that a slip in the 32-bit arithmetic of the implementation shows. */
function reference(seed: bigint, outputs: number): number[] {
  const mask = 0xffff_ffffn;
  let [a, b, c, counter] = [0n, seed & mask, (seed >> 32n) & mask, 1n];
  const values: number[] = [];
  for (let step = 0; step < 12 + outputs; step++) {
    const output = (a + b + counter++) & mask;
    a = b ^ (b >> 9n);
    b = (c + (c << 3n)) & mask;
    c = ((((c << 21n) | (c >> 11n)) & mask) + output) & mask;
    if (step >= 12) values.push(Number(output) / 2 ** 32);
  }
  return values;
}

suite('createSeededRandom', () => {
  test("seed 0 begins as the rand_sfc crate's Sfc32::new_u64(0) documents", () => {
    assert.equal(createSeededRandom(0)() * 2 ** 32, 0x5146_76c3);
  });

  test('is the generator PractRand publishes', () => {
    for (const seed of [0, 1, -1, 42, 2 ** 32, 2 ** 53 - 1, -(2 ** 53 - 1)]) {
      const random = createSeededRandom(seed);
      const ours = Array.from({ length: 100 }, () => random());
      assert.deepEqual(ours, reference(BigInt.asUintN(64, BigInt(seed)), 100), `seed ${seed}`);
    }
  });

  test('stays in [0, 1) and is uniform', () => {
    const random = createSeededRandom(99);
    const counts = Array.from({ length: 16 }, () => 0);
    for (let draw = 0; draw < 16_000; draw++) {
      const value = random();
      assert.ok(value >= 0 && value < 1);
      const bucket = Math.floor(value * 16);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    const shares = counts.map(() => 1);
    assert.ok(chiSquareTest(counts, shares).pValue > 0.001, counts.join());
  });

  for (const seed of [0.5, Number.NaN, Infinity, 2 ** 53]) {
    test(`refuses seed ${seed}`, () => {
      assert.throws(() => createSeededRandom(seed), { name: 'RangeError', message: /must be a whole number/ });
    });
  }
});
