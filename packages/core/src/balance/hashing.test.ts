import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { LoadBalancerPolicy } from '../model/policy.ts';
import { chiSquareTest } from './chi-square.ts';
import { createClusterPicker } from './cluster-picker.ts';
import { createPicker } from './create-picker.ts';
import { hashText } from './hash.ts';
import type { Balanced } from './picker.ts';
import { createSeededRandom } from './seeded-random.ts';

interface Pod extends Balanced {
  readonly key: string;
}

function podsOf(count: number): Pod[] {
  return Array.from({ length: count }, (_, index) => ({
    key: `10.0.${index >> 8}.${index & 255}:8000`,
    activeRequests: 0,
  }));
}

const key = { kind: 'header', name: 'user' } as const;
const POLICIES: readonly LoadBalancerPolicy[] = [
  { kind: 'RING_HASH', minimumRingSize: 1024, key },
  { kind: 'MAGLEV', tableSize: 65_537, key },
];
const KEYS = Array.from({ length: 20_000 }, (_, index) => hashText(`user-${index}`));

for (const policy of POLICIES) {
  suite(`hashing: ${policy.kind}`, () => {
    const homes = (pods: readonly Pod[]): readonly (string | undefined)[] => {
      const picker = createPicker(policy, pods, () => 0);
      return KEYS.map((hash) => picker.pick(hash)?.key);
    };

    test('a key has one home, whatever the order of the pods', () => {
      const pods = podsOf(9);
      const first = homes(pods);
      assert.deepEqual(homes(pods).slice(0, 500), first.slice(0, 500));
      const moved = homes(pods.toReversed()).filter((home, index) => home !== first[index]).length;
      assert.equal(moved, 0);
    });

    for (const count of [2, 3, 5, 8, 10, 16, 50]) {
      test(`when one of ${count} pods goes, at most 1.5/${count} of the keys move`, () => {
        const pods = podsOf(count);
        const before = homes(pods);
        for (const gone of [0, count - 1]) {
          const after = homes(pods.filter((_, index) => index !== gone));
          const moved = after.filter((home, index) => home !== before[index]).length;
          assert.ok(moved <= (1.5 / count) * KEYS.length, `${moved} of ${KEYS.length} moved`);
        }
      });
    }

    test('the keys are spread over all pods', () => {
      const pods = podsOf(10);
      const counts = new Map<string | undefined, number>();
      for (const home of homes(pods)) counts.set(home, (counts.get(home) ?? 0) + 1);
      for (const { key: pod } of pods) {
        const share = (counts.get(pod) ?? 0) / KEYS.length;
        assert.ok(share > 0.08 && share < 0.12, `${pod}: ${share}`);
      }
    });

    test('a call without a key goes anywhere, an empty set nowhere', () => {
      const picker = createPicker(policy, podsOf(4), createSeededRandom(1));
      assert.equal(new Set(Array.from({ length: 200 }, () => picker.pick()?.key)).size, 4);
      assert.equal(createPicker(policy, [], createSeededRandom(1)).pick(7), undefined);
    });
  });
}

suite('places of a cluster', () => {
  const RANDOM: LoadBalancerPolicy = { kind: 'RANDOM' };
  const group = (locality: string, priority: number, weight: number, members: readonly number[]) => ({
    locality,
    priority,
    weight,
    members,
  });

  function sharesOf(
    localities: Parameters<typeof createClusterPicker>[0]['localities'],
    up: readonly boolean[],
  ): number[] {
    const pods = podsOf(up.length);
    const cluster = { loadBalancer: RANDOM, ...(localities && { localities }) };
    const picker = createClusterPicker(
      cluster,
      pods.map((pod, index) => (up[index] === true ? pod : undefined)),
      createSeededRandom(5),
    );
    const counts = pods.map(() => 0);
    for (let pick = 0; pick < 20_000; pick++) {
      const picked = picker.pick();
      const found = pods.findIndex((pod) => pod === picked);
      if (found >= 0) counts[found] = (counts[found] ?? 0) + 1;
    }
    return counts;
  }
  const fits = (counts: readonly number[], shares: readonly number[]): void => {
    const used = counts.filter((_, index) => (shares[index] ?? 0) > 0);
    assert.deepEqual(
      counts.filter((count, index) => shares[index] === 0 && count > 0),
      [],
    );
    const { pValue } = chiSquareTest(
      used,
      shares.filter((share) => share > 0),
    );
    assert.ok(pValue > 0.001, `${counts.join(' ')} against ${shares.join(' ')}`);
  };

  test('weights share among places, and their pods share alike', () => {
    fits(sharesOf([group('a', 0, 80, [0]), group('b', 0, 20, [1, 2])], [true, true, true]), [80, 10, 10]);
  });

  test('the first priority takes all while it is whole', () => {
    fits(sharesOf([group('a', 0, 2, [0, 1]), group('b', 1, 2, [2, 3])], [true, true, true, true]), [1, 1, 0, 0]);
  });

  test('what the first priority cannot take, the next one does', () => {
    // One of two healthy: 1.4 · 50 % = 70 % stay.
    fits(sharesOf([group('a', 0, 2, [0, 1]), group('b', 1, 2, [2, 3])], [true, false, true, true]), [70, 0, 15, 15]);
    fits(sharesOf([group('a', 0, 2, [0, 1]), group('b', 1, 2, [2, 3])], [false, false, true, true]), [0, 0, 1, 1]);
  });

  test('no healthy endpoint is no pick, and without places all share alike', () => {
    assert.deepEqual(sharesOf([group('a', 0, 1, [0]), group('b', 1, 1, [1])], [false, false]), [0, 0]);
    fits(sharesOf(undefined, [true, true, false]), [1, 1, 0]);
  });

  test('a key finds its place and its pod again', () => {
    const localities = [group('a', 0, 50, [0, 1]), group('b', 0, 50, [2, 3])];
    const picker = createClusterPicker(
      { loadBalancer: { kind: 'RING_HASH', minimumRingSize: 64, key }, localities },
      podsOf(4),
      Math.random,
    );
    const homes = new Set(KEYS.slice(0, 200).map((hash) => picker.pick(hash)?.key));
    assert.equal(homes.size, 4);
    for (const hash of KEYS.slice(0, 50)) assert.equal(picker.pick(hash), picker.pick(hash));
  });
});
