import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import type { LocalityGroup } from '../model/snapshot.ts';
import { assertShares, type Pod, podsOf } from './balancing.test-bed.ts';
import { createClusterPicker, shareOut } from './cluster-picker.ts';
import { createSeededRandom } from './seeded-random.ts';

/** Groups of so many endpoints each, one after the other: `[zone, priority, endpoints, of these healthy]`. */
type Spec = readonly (readonly [zone: string, priority: number, size: number, healthy: number])[];

function bed(spec: Spec): { localities: readonly LocalityGroup[]; pods: readonly (Pod | undefined)[] } {
  const localities: LocalityGroup[] = [];
  const pods: (Pod | undefined)[] = [];
  const all = podsOf(spec.reduce((sum, [, , size]) => sum + size, 0));
  for (const [locality, priority, size, healthy] of spec) {
    const members = Array.from({ length: size }, (_, index) => pods.length + index);
    localities.push({ locality, priority, weight: size, members });
    for (const [index, at] of members.entries()) pods.push(index < healthy ? all[at] : undefined);
  }
  return { localities, pods };
}

/** By zone, the share of the calls of a caller in zone `a`; a group without zones is `all`. */
const CASES: readonly [string, Spec, number, readonly number[]][] = [
  [
    'home has its part, and keeps all',
    [
      ['a', 0, 2, 2],
      ['b', 0, 2, 2],
    ],
    1,
    [1, 0],
  ],
  [
    'home has more',
    [
      ['a', 0, 5, 5],
      ['b', 0, 1, 1],
    ],
    1,
    [1, 0],
  ],
  [
    'home has too few: a quarter goes away',
    [
      ['a', 0, 3, 3],
      ['b', 0, 5, 5],
    ],
    1,
    [3 / 4, 1 / 4],
  ],
  [
    'of three zones those with room share the rest',
    [
      ['a', 0, 1, 1],
      ['b', 0, 4, 4],
      ['c', 0, 1, 1],
    ],
    1,
    [1 / 2, 1 / 2, 0],
  ],
  [
    'fewer than asked for: all alike',
    [
      ['a', 0, 2, 2],
      ['b', 0, 3, 3],
    ],
    6,
    [2 / 5, 3 / 5],
  ],
  [
    'as many as asked for',
    [
      ['a', 0, 3, 3],
      ['b', 0, 3, 3],
    ],
    6,
    [1, 0],
  ],
  [
    'sick ones do not count',
    [
      ['a', 0, 3, 3],
      ['b', 0, 3, 2],
    ],
    6,
    [3 / 5, 2 / 5],
  ],
  [
    'half of home is sick',
    [
      ['a', 0, 4, 2],
      ['b', 0, 4, 4],
    ],
    1,
    [2 / 3, 1 / 3],
  ],
  [
    'nobody at home: all alike',
    [
      ['a', 0, 2, 0],
      ['b', 0, 1, 1],
      ['c', 0, 3, 3],
    ],
    1,
    [0, 1 / 4, 3 / 4],
  ],
  [
    'home has none at all',
    [
      ['b', 0, 1, 1],
      ['c', 0, 3, 3],
    ],
    1,
    [1 / 4, 3 / 4],
  ],
  ['one zone only', [['a', 0, 3, 3]], 1, [1]],
  [
    'other regions wait',
    [
      ['a', 0, 3, 3],
      ['b', 0, 3, 3],
      ['c', 1, 9, 9],
    ],
    1,
    [1, 0, 0],
  ],
  // 1.4 * 2 / 6 of the region is left of it.
  [
    'other regions take what the region cannot',
    [
      ['a', 0, 3, 1],
      ['b', 0, 3, 1],
      ['c', 1, 9, 9],
    ],
    1,
    [0.4667, 0, 0.5333],
  ],
  [
    'nothing left of the region',
    [
      ['a', 0, 3, 0],
      ['b', 0, 3, 0],
      ['c', 1, 9, 9],
    ],
    1,
    [0, 0, 1],
  ],
];

describe('zone aware routing', () => {
  for (const [name, spec, minClusterSize, expected] of CASES) {
    test(name, () => {
      const { localities, pods } = bed(spec);
      const cluster = {
        loadBalancer: { kind: 'RANDOM' },
        localities,
        zoneAware: { locality: 'a', minClusterSize },
      } as const;
      const picker = createClusterPicker(cluster, pods, createSeededRandom(3));
      const counts = spec.map(() => 0);
      for (let pick = 0; pick < 100_000; pick++) {
        const index = picker.pick()?.index ?? -1;
        const group = localities.findIndex(({ members }) => members.includes(index));
        counts[group] = (counts[group] ?? 0) + 1;
      }
      const met = expected.flatMap((share, group) => (share > 0 ? [group] : []));
      for (const [group, count] of counts.entries()) if (!met.includes(group)) assert.equal(count, 0, counts.join());
      if (met.length > 1) {
        assertShares(
          met.map((group) => counts[group] ?? 0),
          met.map((group) => expected[group] ?? 0),
        );
      }
    });
  }

  test('nobody anywhere is no pick', () => {
    const { localities, pods } = bed([
      ['a', 0, 2, 0],
      ['b', 0, 2, 0],
    ]);
    const cluster = {
      loadBalancer: { kind: 'RANDOM' },
      localities,
      zoneAware: { locality: 'a', minClusterSize: 1 },
    } as const;
    assert.equal(createClusterPicker(cluster, pods, createSeededRandom(1)).pick(), undefined);
  });

  test('all calls go somewhere, and callers spread evenly give no endpoint more than its fair share', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 6 }), (sizes) => {
        const zones = sizes.map((_, index) => `z${index}`);
        const { localities, pods } = bed(sizes.map((size, index) => [zones[index] ?? '', 0, size, size]));
        const loads = new Map<Pod | undefined, number>();
        for (const locality of zones) {
          const shares = shareOut(localities, pods, { locality, minClusterSize: 1 });
          const total = shares.reduce((sum, { load }) => sum + load, 0);
          assert.ok(Math.abs(total - 1) < 1e-9, String(total));
          for (const { members, load } of shares) {
            for (const pod of members) loads.set(pod, (loads.get(pod) ?? 0) + load / members.length / zones.length);
          }
        }
        const fair = 1 / pods.length;
        for (const load of loads.values()) assert.ok(Math.abs(load - fair) < 1e-9, `${load} of ${fair}`);
      }),
    );
  });
});
