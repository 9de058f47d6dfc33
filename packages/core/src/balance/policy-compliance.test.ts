import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import type { LoadBalancerPolicy } from '../model/policy.ts';
import { chiSquareTest } from './chi-square.ts';
import { createPicker } from './create-picker.ts';
import type { Balanced } from './picker.ts';
import { createSeededRandom } from './seeded-random.ts';

interface TestEndpoint extends Balanced {
  readonly index: number;
}

function endpointsOf(count: number): TestEndpoint[] {
  return Array.from({ length: count }, (_, index) => ({ index, activeRequests: 0 }));
}

function countPicks(policy: LoadBalancerPolicy, endpoints: readonly TestEndpoint[], picks: number, seed: number) {
  const picker = createPicker(policy, endpoints, createSeededRandom(seed));
  const counts = endpoints.map(() => 0);
  for (let pick = 0; pick < picks; pick++) {
    const index = picker.pick()?.index ?? -1;
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

function sequenceOf(policy: LoadBalancerPolicy, seed: number): (number | undefined)[] {
  const picker = createPicker(policy, endpointsOf(7), createSeededRandom(seed));
  return Array.from({ length: 50 }, () => picker.pick()?.index);
}

const policies: readonly LoadBalancerPolicy[] = [
  { kind: 'RANDOM' },
  { kind: 'ROUND_ROBIN' },
  { kind: 'LEAST_REQUEST', choiceCount: 2 },
  { kind: 'LEAST_REQUEST', choiceCount: 3 },
  { kind: 'LEAST_REQUEST', choiceCount: 100 },
];

for (const policy of policies) {
  suite(`every policy: ${JSON.stringify(policy)}`, () => {
    test('an empty set has no pick', () => {
      assert.equal(createPicker(policy, [], createSeededRandom(1)).pick(), undefined);
    });

    test('a single endpoint is every pick', () => {
      const [only] = endpointsOf(1);
      assert.ok(only);
      const picker = createPicker(policy, [only], createSeededRandom(1));
      for (let pick = 0; pick < 10; pick++) assert.equal(picker.pick(), only);
    });

    test('one seed, one sequence', () => {
      assert.deepEqual(sequenceOf(policy, 42), sequenceOf(policy, 42));
    });

    for (const count of [2, 3, 7, 50]) {
      test(`${count} equally busy endpoints get equal shares`, () => {
        const counts = countPicks(policy, endpointsOf(count), 200 * count, 2024 + count);
        const { pValue } = chiSquareTest(
          counts,
          counts.map(() => 1),
        );
        assert.ok(pValue > 0.001, `p = ${pValue} for ${counts.join()}`);
      });
    }

    test('the first pick over many fresh pickers is spread evenly too', () => {
      const random = createSeededRandom(7);
      const counts = [0, 0, 0, 0, 0];
      for (let caller = 0; caller < 2000; caller++) {
        const index = createPicker(policy, endpointsOf(5), random).pick()?.index ?? -1;
        counts[index] = (counts[index] ?? 0) + 1;
      }
      assert.ok(chiSquareTest(counts, [1, 1, 1, 1, 1]).pValue > 0.001, counts.join());
    });

    test('does not disturb the set it is given', () => {
      const endpoints = Object.freeze(endpointsOf(5));
      countPicks(policy, endpoints, 20, 3);
      assert.deepEqual(
        endpoints.map(({ index }) => index),
        [0, 1, 2, 3, 4],
      );
    });

    test('whatever the set, the loads and the dice, it picks a member and does not throw', () => {
      fc.assert(
        fc.property(
          fc.array(fc.nat(), { maxLength: 40 }),
          fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1, maxLength: 50 }),
          (loads, dice) => {
            let thrown = 0;
            const endpoints = loads.map((activeRequests, index) => ({ index, activeRequests }));
            const picker = createPicker(policy, endpoints, () => dice[thrown++ % dice.length] ?? 0);
            for (let pick = 0; pick < 10; pick++) {
              const picked = picker.pick();
              assert.equal(picked === undefined, endpoints.length === 0);
              assert.ok(picked === undefined || endpoints.includes(picked));
            }
          },
        ),
        { seed: 1, numRuns: 200 },
      );
    });
  });
}
