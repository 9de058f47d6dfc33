import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equalShares, routedShares } from './expected-shares.ts';
import type { FixtureService } from '../lab.test-bed.ts';
import { clusterOf, pod, snapshotOf } from '../lab.test-bed.ts';

const A = pod('10.0.0.1');
const B = pod('10.0.0.2');
const C = pod('10.0.0.3');
const v1: FixtureService = { name: 'v1', clusterIp: '10.1.0.1', pods: [A, B] };
const v2: FixtureService = { name: 'v2', clusterIp: '10.1.0.2', pods: [C] };
const both: FixtureService = { name: 'both', clusterIp: '10.1.0.3', pods: [A, B, C] };
const none: FixtureService = { name: 'none', clusterIp: '10.1.0.4', pods: [] };

const cases: readonly [string, readonly [FixtureService, number][], readonly number[]][] = [
  ['one cluster', [[both, 1]], [1 / 3, 1 / 3, 1 / 3]],
  [
    'weights over two clusters',
    [
      [v1, 90],
      [v2, 10],
    ],
    [0.45, 0.45, 0.1],
  ],
  [
    'a pod in both',
    [
      [both, 1],
      [v2, 1],
    ],
    [1 / 6, 1 / 6, 2 / 3],
  ],
  [
    'weight on an empty cluster is nobody’s',
    [
      [v1, 1],
      [none, 3],
    ],
    [0.5, 0.5, 0],
  ],
];

for (const [name, destinations, expected] of cases) {
  test(`routed shares: ${name}`, () => {
    const snapshot = snapshotOf(v1, v2, both, none);
    const shares = routedShares(snapshot, {
      name: 'x:1',
      host: 'x',
      port: 1,
      namespace: 'default',
      routes: [
        {
          name: 'first',
          destinations: destinations.map(([service, weight]) => ({ cluster: clusterOf(service).name, weight })),
          totalWeight: destinations.reduce((sum, [, weight]) => sum + weight, 0),
        },
      ],
    });
    for (const [index, each] of [A, B, C].entries()) {
      const share = shares.get(`${each.address}:8000`) ?? 0;
      assert.ok(Math.abs(share - (expected[index] ?? NaN)) < 1e-12, `${each.address}: ${share}`);
    }
  });
}

test('equal shares', () => {
  assert.deepEqual(
    [...equalShares([A, B])],
    [
      ['10.0.0.1:8000', 0.5],
      ['10.0.0.2:8000', 0.5],
    ],
  );
});
