// One suite for every policy as a cluster uses it: within places, over a subset, while the set changes.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Endpoint } from '../model/service.ts';
import type { LocalityGroup } from '../model/snapshot.ts';
import { AT_ONCE, assertShares, type Pod, podsOf } from './balancing.test-bed.ts';
import { createClusterPicker } from './cluster-picker.ts';
import { createPicker } from './create-picker.ts';
import { mixHash } from './hash.ts';
import { createPeakEwmaPicker } from './peak-ewma.ts';
import type { Picker, Random } from './picker.ts';
import { createSeededRandom } from './seeded-random.ts';
import { createSlowStartPicker } from './slow-start.ts';
import { subsetOf } from './subsetting.ts';
import { createWeightedRoundRobinPicker } from './weighted-round-robin.ts';

type Create = (pods: readonly KeyedPod[], random: Random) => Picker<KeyedPod>;

interface KeyedPod extends Pod {
  readonly key: string;
}

interface Policy {
  readonly name: string;
  readonly create: Create;
  /** How far from its fair share an endpoint may be, as a part of it; absent: as far as chance takes it. */
  readonly uneven?: number;
}

const KEY = { kind: 'header', name: 'user' } as const;
const RANDOM = { kind: 'RANDOM' } as const;

const POLICIES: readonly Policy[] = [
  { name: 'RANDOM', create: (pods, random) => createPicker(RANDOM, pods, random) },
  { name: 'ROUND_ROBIN', create: (pods, random) => createPicker({ kind: 'ROUND_ROBIN' }, pods, random) },
  {
    name: 'LEAST_REQUEST',
    create: (pods, random) => createPicker({ kind: 'LEAST_REQUEST', choiceCount: 2 }, pods, random),
  },
  {
    name: 'RING_HASH',
    create: (pods, random) => createPicker({ kind: 'RING_HASH', minimumRingSize: 1024, key: KEY }, pods, random),
    uneven: 0.3,
  },
  {
    name: 'MAGLEV',
    create: (pods, random) => createPicker({ kind: 'MAGLEV', tableSize: 65_537, key: KEY }, pods, random),
    uneven: 0.05,
  },
  {
    name: 'PASSTHROUGH, where calls mean no endpoint',
    create: (pods, random) => createPicker({ kind: 'PASSTHROUGH' }, pods, random),
  },
  { name: 'PEAK_EWMA', create: (pods, random) => createPeakEwmaPicker(pods, random, () => 0) },
  {
    name: 'WEIGHTED_ROUND_ROBIN',
    create: (pods, random) => createWeightedRoundRobinPicker(pods, AT_ONCE, random, () => 0),
  },
  {
    name: 'slow start over RANDOM',
    create: (pods, random) => {
      const options = { windowMs: 10_000, aggression: 1, minimumShare: 0.1 };
      return createSlowStartPicker(createPicker(RANDOM, pods, random), pods, options, random, () => 100);
    },
  },
];

const PICKS = 100_000;

function keyedPods(count: number): readonly KeyedPod[] {
  return podsOf(count).map((pod) => ({ ...pod, key: `10.0.${pod.index >> 8}.${pod.index & 255}:80` }));
}

const endpointsOf = (count: number): readonly Endpoint[] =>
  keyedPods(count).map(({ key }) => ({
    address: key.replace(':80', ''),
    port: 80,
    family: 'IPv4',
    conditions: { ready: true, serving: true, terminating: false },
  }));

/** Picks by many keys, as callers have them. */
function tally(picker: Picker<KeyedPod>, size: number, picks: number, from = 0): number[] {
  const counts = Array.from({ length: size }, () => 0);
  for (let pick = from; pick < from + picks; pick++) {
    const index = picker.pick(mixHash(pick * 0x9e3779b1))?.index ?? -1;
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

function assertFair(counts: readonly number[], shares: readonly number[], uneven: number | undefined): void {
  if (uneven === undefined) {
    assertShares(counts, shares);
    return;
  }
  const picks = counts.reduce((sum, one) => sum + one, 0);
  const total = shares.reduce((sum, one) => sum + one, 0);
  for (const [index, share] of shares.entries()) {
    const fair = (share / total) * picks;
    const got = counts[index] ?? 0;
    assert.ok(Math.abs(got - fair) <= fair * uneven, `${counts.join()} against ${shares.join()}`);
  }
}

const PLACES: readonly LocalityGroup[] = [
  { locality: 'a', priority: 0, weight: 70, members: [0, 1, 2] },
  { locality: 'b', priority: 0, weight: 20, members: [3, 4] },
  { locality: 'c', priority: 0, weight: 10, members: [5] },
  { locality: 'd', priority: 1, weight: 1, members: [6, 7] },
];

for (const { name, create, uneven } of POLICIES) {
  suite(`every policy in a cluster: ${name}`, () => {
    const inPlaces = (pods: readonly (KeyedPod | undefined)[], seed: number): Picker<KeyedPod> => {
      const random = createSeededRandom(seed);
      const cluster = { loadBalancer: RANDOM, localities: PLACES };
      return createClusterPicker(cluster, pods, random, (members) => create(members, random));
    };

    test('places share by weight, and their endpoints alike', () => {
      const counts = tally(inPlaces(keyedPods(8), 1), 8, PICKS);
      assertFair(counts, [70 / 3, 70 / 3, 70 / 3, 10, 10, 10, 0, 0], uneven);
    });

    test('what a place cannot take goes to the others, then to the next priority', () => {
      const pods = keyedPods(8).map((pod) => (pod.index === 0 || pod.index === 1 ? undefined : pod));
      // A third of place a is left: 1.4 / 3 of it counts. Of priority 0 four of six are: 1.4 * 4 / 6 of the calls stay.
      const whole = Math.min(1, (1.4 * 4) / 6);
      const weights = [(70 * 1.4) / 3, 20, 10];
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const [a = 0, b = 0, c = 0] = weights.map((weight) => (weight / total) * whole);
      const rest = (1 - whole) / 2;
      assertFair(tally(inPlaces(pods, 2), 8, PICKS), [0, 0, a, b / 2, b / 2, c, rest, rest], uneven);
    });

    test('nobody left is no pick', () => {
      assert.equal(
        inPlaces(
          keyedPods(8).map(() => undefined),
          3,
        ).pick(7),
        undefined,
      );
    });

    test('an endpoint that goes gets nothing more, one that comes its share at once', () => {
      const random = createSeededRandom(4);
      const pods = keyedPods(6);
      const first = tally(create(pods.slice(0, 5), random), 6, PICKS / 2);
      const second = tally(create(pods.slice(1), random), 6, PICKS / 2, PICKS / 2);
      assertFair(first, [1, 1, 1, 1, 1, 0], uneven);
      assertFair(second, [0, 1, 1, 1, 1, 1], uneven);
    });

    test('a hundred changes leave no endpoint behind', () => {
      const random = createSeededRandom(5);
      const pods = keyedPods(10);
      const totals = pods.map(() => 0);
      for (let change = 0; change < 100; change++) {
        const left = pods.filter(({ index }) => index !== change % 10);
        for (const [index, one] of tally(create(left, random), 10, 1000, change * 1000).entries()) {
          totals[index] = (totals[index] ?? 0) + one;
        }
      }
      assertFair(
        totals,
        totals.map(() => 1),
        uneven ?? 0.1,
      );
    });

    test('within a subset all share alike, and nothing goes elsewhere', () => {
      const cluster = { endpoints: endpointsOf(20) };
      const { endpoints } = subsetOf(cluster, 5, 99);
      const kept = new Set(endpoints.map(({ address }) => `${address}:80`));
      const pods = keyedPods(20).filter(({ key }) => kept.has(key));
      assert.equal(pods.length, 5);
      const counts = tally(create(pods, createSeededRandom(6)), 20, PICKS);
      assertFair(
        pods.map(({ index }) => counts[index] ?? 0),
        pods.map(() => 1),
        uneven,
      );
    });

    test('one seed, one sequence, with places too', () => {
      const sequence = (): readonly (number | undefined)[] => {
        const picker = inPlaces(keyedPods(8), 7);
        return Array.from({ length: 200 }, (_, pick) => picker.pick(mixHash(pick))?.index);
      };
      assert.deepEqual(sequence(), sequence());
    });
  });
}
