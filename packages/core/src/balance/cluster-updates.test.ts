import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import type { LoadBalancerPolicy } from '../model/policy.ts';
import type { Cluster } from '../model/snapshot.ts';
import { createClusterPicker } from './cluster-picker.ts';
import { mixHash } from './hash.ts';
import { hashOfEndpoint } from './passthrough.ts';
import type { Balanced, Picker } from './picker.ts';
import { createSeededRandom } from './seeded-random.ts';

type Spread = Pick<Cluster, 'loadBalancer' | 'localities' | 'zoneAware'>;

interface Pod extends Balanced {
  readonly key: string;
  readonly zone: number;
}

const KEY = { kind: 'header', name: 'user' } as const;
/** Each with two settings, between which clusters change, too. */
const POLICIES: readonly (readonly [LoadBalancerPolicy, LoadBalancerPolicy])[] = [
  [
    { kind: 'MAGLEV', tableSize: 1009, key: KEY },
    { kind: 'MAGLEV', tableSize: 2003, key: KEY },
  ],
  [
    { kind: 'RING_HASH', minimumRingSize: 1024, key: KEY },
    { kind: 'RING_HASH', minimumRingSize: 65_536, key: KEY },
  ],
  [{ kind: 'PASSTHROUGH' }, { kind: 'MAGLEV', tableSize: 1009, key: KEY }],
  [
    { kind: 'LEAST_REQUEST', choiceCount: 2 },
    { kind: 'LEAST_REQUEST', choiceCount: 3 },
  ],
  [{ kind: 'RANDOM' }, { kind: 'ROUND_ROBIN' }],
];

const ZONES = ['a', 'b', 'c', 'd'];
/** By weights, by zone, all endpoints of the first priority alike, or without places at all. */
const WAYS = ['weights', 'zones', 'merged', 'none'] as const;

interface State {
  readonly pods: readonly Pod[];
  readonly sick: ReadonlySet<Pod>;
  readonly weights: readonly number[];
  readonly priorities: readonly number[];
  readonly way: (typeof WAYS)[number];
  readonly setting: 0 | 1;
}

const START: State = {
  pods: Array.from({ length: 60 }, (_, index) => podOf(index)),
  sick: new Set(),
  weights: [3, 2, 1, 1],
  priorities: [0, 0, 0, 1],
  way: 'weights',
  setting: 0,
};

function podOf(index: number, zone = index % 3): Pod {
  return { key: `10.0.${index >> 8}.${index & 255}:80`, zone, activeRequests: index % 5 };
}

type Edit = (state: State) => State;

const zone = fc.nat({ max: 3 });
const stretch = fc.record({ at: fc.nat(), count: fc.integer({ min: 1, max: 4 }) });

const edits: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ at: fc.nat(), first: fc.integer({ min: 100, max: 900 }), zone }).map(comes) },
  {
    weight: 3,
    arbitrary: stretch.map(
      ({ at, count }) =>
        (state: State) =>
          goes(state, at, count),
    ),
  },
  {
    weight: 3,
    arbitrary: stretch.map(
      ({ at, count }) =>
        (state: State) =>
          sickens(state, at, count),
    ),
  },
  zone.map((gone) => (state: State) => ({ ...state, pods: state.pods.filter((pod) => pod.zone !== gone) })),
  fc.tuple(zone, fc.nat({ max: 5 })).map(([at, weight]) => (state: State) => {
    return { ...state, weights: state.weights.with(at, weight) };
  }),
  fc.tuple(zone, fc.nat({ max: 2 })).map(([at, priority]) => (state: State) => {
    return { ...state, priorities: state.priorities.with(at, priority) };
  }),
  fc.constantFrom(...WAYS).map((way) => (state: State) => ({ ...state, way })),
  fc.constantFrom(0 as const, 1 as const).map((setting) => (state: State) => ({ ...state, setting })),
  // Nothing at all.
  fc.constant((state: State) => ({ ...state })),
);

function comes({ at, first, zone: its }: { at: number; first: number; zone: number }): Edit {
  return (state) => {
    const pod = podOf(first, its);
    if (state.pods.some(({ key }) => key === pod.key)) return state;
    return { ...state, pods: state.pods.toSpliced(at % (state.pods.length + 1), 0, pod) };
  };
}

function goes(state: State, at: number, count: number): State {
  return { ...state, pods: state.pods.toSpliced(at % Math.max(1, state.pods.length), count) };
}

/** Or recovers. */
function sickens(state: State, at: number, count: number): State {
  const place = at % Math.max(1, state.pods.length);
  const turned = state.pods.slice(place, place + count);
  const others = [...state.sick].filter((pod) => !turned.includes(pod));
  return { ...state, sick: new Set([...others, ...turned.filter((pod) => !state.sick.has(pod))]) };
}

function spreadOf({ pods, weights, priorities, way, setting }: State, policies: (typeof POLICIES)[number]): Spread {
  const loadBalancer = policies[setting];
  if (way === 'none') return { loadBalancer };
  const localities = ZONES.flatMap((locality, index) => {
    const members = pods.flatMap((pod, at) => (pod.zone === index ? [at] : []));
    if (members.length === 0) return [];
    return [{ locality, priority: priorities[index] ?? 0, weight: weights[index] ?? 0, members }];
  });
  if (way === 'weights') return { loadBalancer, localities };
  return { loadBalancer, localities, zoneAware: { locality: 'a', minClusterSize: way === 'zones' ? 1 : 1000 } };
}

const HASHES = Array.from({ length: 100 }, (_, index) => mixHash(index * 0x9e3779b1));

function picksOf(picker: Picker<Pod>, pods: readonly Pod[]): readonly (string | undefined)[] {
  const hashes = [...HASHES, ...pods.map(({ key }) => hashOfEndpoint(key)), ...HASHES.map(() => undefined)];
  return hashes.map((hash) => picker.pick(hash)?.key);
}

for (const policies of POLICIES) {
  suite(`updates of a cluster: ${policies[0].kind}`, () => {
    test('a picker made from the one before picks what one made from nothing does', () => {
      fc.assert(
        fc.property(fc.array(edits, { maxLength: 12 }), (sequence) => {
          let state = START;
          let previous: Picker<Pod> | undefined;
          for (const [round, edit] of [(same: State) => same, ...sequence].entries()) {
            state = edit(state);
            const spread = spreadOf(state, policies);
            const { pods, sick } = state;
            const inUse = pods.map((pod) => (sick.has(pod) ? undefined : pod));
            // The same draws for both.
            const next = createClusterPicker(spread, inUse, createSeededRandom(round), undefined, previous);
            const fresh = createClusterPicker(spread, inUse, createSeededRandom(round));
            assert.deepEqual(picksOf(next, pods), picksOf(fresh, pods));
            previous = next;
          }
        }),
        { numRuns: 60 },
      );
    });
  });
}

test('a picker is what it was after another one was made from it', () => {
  for (const [loadBalancer] of POLICIES.slice(0, 2)) {
    const spread = (state: State): Spread => spreadOf(state, [loadBalancer, loadBalancer]);
    const first = createClusterPicker(spread(START), START.pods, () => 0);
    const homes = (): readonly (string | undefined)[] => HASHES.map((hash) => first.pick(hash)?.key);
    const before = homes();
    for (const fewer of [goes(START, 7, 1), goes(START, 0, 20)]) {
      createClusterPicker(spread(fewer), fewer.pods, () => 0, undefined, first);
      assert.deepEqual(homes(), before);
    }
  }
});
