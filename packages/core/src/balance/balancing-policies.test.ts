import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { AT_ONCE, LATENCY, SLOW_START, assertShares, countPicks, podsOf } from './balancing.test-bed.ts';
import type { Pod } from './balancing.test-bed.ts';
import { LatencyEstimate } from './latency-estimate.ts';
import { createPeakEwmaPicker } from './peak-ewma.ts';
import type { Picker, Random } from './picker.ts';
import { createRandomPicker } from './random.ts';
import { createSeededRandom } from './seeded-random.ts';
import { createSlowStartPicker } from './slow-start.ts';
import { createWeightedRoundRobinPicker } from './weighted-round-robin.ts';
import { createZoneAwarePicker } from './zone-aware.ts';

const policies: readonly { name: string; create: (pods: readonly Pod[], random: Random) => Picker<Pod> }[] = [
  { name: 'PEAK_EWMA', create: (pods, random) => createPeakEwmaPicker(pods, random, () => 0) },
  {
    name: 'WEIGHTED_ROUND_ROBIN without weights',
    create: (pods, random) => createWeightedRoundRobinPicker(pods, AT_ONCE, random, () => 0),
  },
  {
    name: 'slow start over RANDOM',
    create: (pods, random) =>
      createSlowStartPicker(createRandomPicker(pods, random), pods, SLOW_START, random, () => 100),
  },
  {
    name: 'zone-aware without zones',
    create: (pods, random) =>
      createZoneAwarePicker(pods, 'a', (members) => createRandomPicker(members, random), random),
  },
];

for (const { name, create } of policies) {
  suite(`every policy: ${name}`, () => {
    test('an empty set has no pick', () => assert.equal(create([], createSeededRandom(1)).pick(), undefined));

    test('a single endpoint is every pick', () => {
      const pods = podsOf(1);
      assert.deepEqual(countPicks(create(pods, createSeededRandom(1)), 1, 10), [10]);
    });

    test('one seed, one sequence', () => {
      const sequence = (): number[] => countPicks(create(podsOf(7), createSeededRandom(42)), 7, 50);
      assert.deepEqual(sequence(), sequence());
    });

    for (const count of [2, 3, 7, 50]) {
      test(`${count} equal endpoints get equal shares, of 100,000 too`, () => {
        const pods = podsOf(count);
        const even = pods.map(() => 1);
        assertShares(countPicks(create(pods, createSeededRandom(count)), count, 200 * count), even);
        assertShares(countPicks(create(pods, createSeededRandom(count + 100)), count, 100_000), even);
      });
    }

    test('the first pick over many fresh pickers is spread evenly too', () => {
      const random = createSeededRandom(7);
      const counts = [0, 0, 0, 0, 0];
      for (let caller = 0; caller < 2000; caller++) {
        const index = create(podsOf(5), random).pick()?.index ?? -1;
        counts[index] = (counts[index] ?? 0) + 1;
      }
      assertShares(counts, [1, 1, 1, 1, 1]);
    });

    test('whatever the dice, it picks a member, in bounded time', () => {
      const die = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
      fc.assert(
        fc.property(fc.nat({ max: 30 }), fc.array(die, { minLength: 1, maxLength: 50 }), (count, dice) => {
          let thrown = 0;
          const pods = Object.freeze(podsOf(count, (index) => 'abc'.charAt(index % 3)));
          const picker = create(pods, () => dice[thrown++ % dice.length] ?? 0);
          for (let pick = 0; pick < 10; pick++) assert.equal(picker.pick() === undefined, count === 0);
        }),
        { seed: 1, numRuns: 200 },
      );
    });
  });
}

suite('PEAK_EWMA', () => {
  test('goes up at once, comes down slowly', () => {
    const latency = new LatencyEstimate(LATENCY, 0);
    latency.observe(500, 0);
    assert.equal(latency.at(0), 500);
    latency.observe(10, 0);
    assert.equal(latency.at(0), 500, 'no time has passed');
    assert.ok(Math.abs(latency.at(10_000) - 500 / Math.E) < 1e-9);
    latency.observe(10, 10_000);
    assert.ok(latency.at(10_000) > 150 && latency.at(10_000) < 200);
  });

  test('failing fast is not being fast', () => {
    const latency = new LatencyEstimate(LATENCY, 0);
    latency.observeFailure(1, 0);
    assert.equal(latency.at(0), 5000);
  });

  test('an abandoned call says something only if it took long', () => {
    const latency = new LatencyEstimate(LATENCY, 0);
    latency.observeAbandoned(1, 0);
    assert.equal(latency.at(0), 30);
    latency.observeAbandoned(900, 0);
    assert.equal(latency.at(0), 900);
  });

  test('of five pods the slow one is all but left out, and tried again when time has passed', () => {
    let nowMs = 0;
    const pods = podsOf(5);
    const picker = createPeakEwmaPicker(pods, createSeededRandom(4), () => nowMs);
    for (const pod of pods) pod.latency.observe(pod.index === 0 ? 2000 : 30, 0);
    assert.equal(countPicks(picker, 5, 1000)[0], 0);
    nowMs = 60_000;
    for (const pod of pods.slice(1)) pod.latency.observe(30, nowMs);
    assert.ok((countPicks(picker, 5, 1000)[0] ?? 0) > 100);
  });
});
