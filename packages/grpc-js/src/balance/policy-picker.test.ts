import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  BackendWeight,
  createSeededRandom,
  DEFAULT_LATENCY,
  DEFAULT_WEIGHTED_ROUND_ROBIN,
  hashText,
  LatencyEstimate,
  type Picker,
} from '@steelyard/core/balance';
import type { BalancerPolicy, BalancerTraits } from './policy-config.ts';
import { type Choosable, createPolicyPicker } from './policy-picker.ts';

const key = { kind: 'header', name: 'x-user' } as const;
const POLICIES: readonly BalancerPolicy[] = [
  { kind: 'RING_HASH', minimumRingSize: 1024, key },
  { kind: 'MAGLEV', tableSize: 1009, key },
  { kind: 'LEAST_REQUEST', choiceCount: 2 },
  { kind: 'ROUND_ROBIN' },
  { kind: 'WEIGHTED_ROUND_ROBIN', options: DEFAULT_WEIGHTED_ROUND_ROBIN },
  { kind: 'PEAK_EWMA', latency: DEFAULT_LATENCY },
];

/** Home, `a`, has a sixth of the endpoints: it cannot keep all of its calls. */
const POD_ZONES = ['a', 'b', 'b', 'c', 'c', undefined];

const PODS = Array.from({ length: 60 }, (_, index): Choosable => {
  return {
    key: `10.0.0.${index}:80`,
    zone: POD_ZONES[index % POD_ZONES.length],
    activeRequests: 0,
    latency: new LatencyEstimate(DEFAULT_LATENCY, 0),
    backendWeight: new BackendWeight(),
    startedAtMs: 0,
  };
});
const HASHES = Array.from({ length: 300 }, (_, user) => hashText(`user-${user}`));

function create(
  policy: BalancerPolicy,
  traits: BalancerTraits,
  pods: readonly Choosable[],
  previous?: Picker<Choosable>,
): Picker<Choosable> {
  const now = (): number => 0;
  return createPolicyPicker({ ...traits, policy }, pods, createSeededRandom(5), now, 'target', previous);
}

for (const policy of POLICIES) {
  suite(`pickers of a channel: ${policy.kind}`, () => {
    for (const traits of [{}, { zone: 'a' }, { zone: 'nowhere' }]) {
      test(`one that starts from the one before picks the same, with ${JSON.stringify(traits)}`, () => {
        let previous = create(policy, traits, PODS);
        for (const gone of [3, 0, 59, 3, 30]) {
          const pods = PODS.toSpliced(gone, 1);
          const next = create(policy, traits, pods, previous);
          const fresh = create(policy, traits, pods);
          for (const hash of [...HASHES, undefined]) assert.equal(next.pick(hash), fresh.pick(hash));
          previous = next;
        }
      });
    }
  });
}

for (const policy of POLICIES.slice(0, 2)) {
  test(`${policy.kind}: a key keeps its endpoint where calls leave their zone, also under the next picker`, () => {
    const picker = create(policy, { zone: 'a' }, PODS);
    const homes = HASHES.map((hash) => picker.pick(hash));
    assert.deepEqual(
      HASHES.map((hash) => picker.pick(hash)),
      homes,
    );
    assert.ok(new Set(homes.map((home) => home?.zone)).size > 1, 'some calls stay, some leave');
    const renewed = create(policy, { zone: 'a' }, [...PODS], picker);
    assert.deepEqual(
      HASHES.map((hash) => renewed.pick(hash)),
      homes,
    );
  });
}
