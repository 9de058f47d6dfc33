import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chiSquareTest, createSeededRandom } from '../balance/index.ts';
import type { Route } from '../model/index.ts';
import { selectDestination, selectRoute } from './select-route.ts';

function route(...weights: readonly number[]): Route {
  const destinations = weights.map((weight, index) => ({ cluster: `c${index}`, weight }));
  return { name: 'r', destinations, totalWeight: weights.reduce((sum, weight) => sum + weight, 0) };
}

test('the first route takes the call', () => {
  const host = { name: 'h:1', host: 'h', port: 1, namespace: 'n' };
  const [first, second] = [route(1), route(2)];
  assert.equal(selectRoute({ ...host, routes: [first, second] }, { path: '/a/b' }), first);
  assert.equal(selectRoute({ ...host, routes: [] }, { path: '/a/b' }), undefined);
});

test('the edges of each share are its own', () => {
  const cases: readonly [number, string][] = [
    [0, 'c0'],
    [0.2499, 'c0'],
    [0.25, 'c1'],
    [0.7499, 'c1'],
    [0.75, 'c2'],
    [0.9999999999999999, 'c2'],
  ];
  for (const [random, cluster] of cases) {
    assert.equal(selectDestination(route(1, 2, 1), () => random).cluster, cluster, String(random));
  }
});

test('a sole destination needs no chance', () => {
  const chance = (): number => assert.fail('called');
  assert.equal(selectDestination(route(1), chance).cluster, 'c0');
});

test('shares follow the weights', () => {
  const random = createSeededRandom(1);
  const weights = [90, 9, 1];
  const counts = [0, 0, 0];
  const chosen = route(...weights);
  for (let call = 0; call < 20_000; call++) {
    const index = chosen.destinations.indexOf(selectDestination(chosen, random));
    counts[index] = (counts[index] ?? 0) + 1;
  }
  assert.ok(chiSquareTest(counts, weights).pValue > 0.001, counts.join(' '));
});
