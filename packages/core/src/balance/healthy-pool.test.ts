import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { LocalityGroup } from '../model/snapshot.ts';
import { healthyPool } from './healthy-pool.ts';

/** Upper case is healthy. */
function poolOf(pods: string, minHealthPercent: number, priorities?: readonly string[]): string {
  const endpoints = pods.split('');
  const localities = priorities?.map((members, priority): LocalityGroup => {
    return {
      locality: `z${priority}`,
      priority,
      weight: 1,
      members: members.split('').map((pod) => pods.indexOf(pod)),
    };
  });
  const pool = healthyPool(endpoints, (pod) => pod === pod.toUpperCase(), localities, minHealthPercent);
  return pool.map((pod) => pod ?? '.').join('');
}

suite('the endpoints that may be used', () => {
  const cases: readonly (readonly [string, string, number, string, (readonly string[])?])[] = [
    ['the healthy ones', 'AbCD', 50, 'A.CD'],
    ['all, when too few are healthy', 'Abcd', 50, 'Abcd'],
    ['nobody in a panic without a threshold', 'abcd', 0, '....'],
    ['a share at the threshold is enough', 'ABcd', 50, 'AB..'],
    ["above 71 % there is no panic, whatever the threshold (Envoy's overprovisioning)", 'ABCd', 90, 'ABC.'],
    ['a second priority that is whole prevents it', 'abCD', 60, '..CD', ['ab', 'CD']],
    ['each priority has its own share', 'abCde', 30, 'abC..', ['ab', 'Cde']],
  ];
  for (const [name, pods, minHealthPercent, expected, priorities] of cases) {
    test(name, () => assert.equal(poolOf(pods, minHealthPercent, priorities), expected));
  }
});
