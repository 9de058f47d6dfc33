import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Route, RouteMatch, VirtualHost } from '@steelyard/core/model';
import { findLabTarget } from '../lab-target.ts';
import type { FixtureService } from '../lab.test-bed.ts';
import { clusterOf, pod, snapshotOf } from '../lab.test-bed.ts';
import { type ProxyBalancing, proxyBalancing } from './proxy-balancing.ts';

const A = pod('10.0.0.1');
const B = pod('10.0.0.2');
const C = pod('fd00::3');
const v1: FixtureService = { name: 'v1', clusterIp: '10.1.0.1', pods: [A, B] };
const v2: FixtureService = { name: 'v2', clusterIp: '10.1.0.2', pods: [C], policy: { kind: 'ROUND_ROBIN' } };
const both: FixtureService = { name: 'both', clusterIp: '10.1.0.3', pods: [A, B, C] };
const none: FixtureService = { name: 'none', clusterIp: '10.1.0.4', pods: [] };

function routeTo(...destinations: readonly (readonly [FixtureService, number])[]): Route {
  return {
    name: 'a-route',
    destinations: destinations.map(([service, weight]) => ({ cluster: clusterOf(service).name, weight })),
    totalWeight: destinations.reduce((sum, [, weight]) => sum + weight, 0),
  };
}

function matching(match: Partial<RouteMatch>, route: Route): Route {
  return { ...route, matches: [{ headers: [], withoutHeaders: [], queryParameters: [], ...match }] };
}

/** What is said of calls to Service `both` under these routes. */
function balancing(routes: readonly Route[]): ProxyBalancing | string {
  const base = snapshotOf(v1, v2, both, none);
  const virtualHosts = new Map<string, VirtualHost>(base.virtualHosts);
  const name = 'both.default.svc.cluster.local:8000';
  const host = virtualHosts.get(name);
  assert.ok(host !== undefined);
  virtualHosts.set(name, { ...host, routes });
  const snapshot = { ...base, virtualHosts };
  return proxyBalancing({ snapshot, target: findLabTarget(snapshot, 'default', 'both'), namespace: 'default' });
}

const canary = { name: 'x-canary', match: { kind: 'exact', text: 'true' } } as const;

const shares: readonly [string, readonly Route[], readonly [a: number, b: number, c: number]][] = [
  ['one cluster', [routeTo([both, 1])], [1 / 3, 1 / 3, 1 / 3]],
  ['weights over two clusters', [routeTo([v1, 90], [v2, 10])], [0.45, 0.45, 0.1]],
  ['a pod in both', [routeTo([both, 1], [v2, 1])], [1 / 6, 1 / 6, 2 / 3]],
  ['weight on an empty cluster is nobody’s', [routeTo([v1, 1], [none, 3])], [0.5, 0.5, 0]],
  [
    'the first rule is for other calls',
    [matching({ headers: [canary] }, routeTo([v2, 1])), routeTo([v1, 1])],
    [0.5, 0.5, 0],
  ],
  [
    'the first rule is for the calls that the lab makes',
    [matching({ path: { kind: 'exact', text: '/echo.Echo/Say' } }, routeTo([v2, 1])), routeTo([v1, 1])],
    [0, 0, 1],
  ],
];

for (const [name, routes, expected] of shares) {
  test(`expected: ${name}`, () => {
    const said = balancing(routes);
    assert.ok(typeof said !== 'string', JSON.stringify(said));
    const found = [A, B, C].map(({ address }) => said.expected.get(`${address}:8000`) ?? 0);
    for (const [index, share] of found.entries()) {
      assert.ok(Math.abs(share - (expected[index] ?? NaN)) < 1e-12, found.join());
    }
    assert.equal(said.awaitPods, expected.filter((share) => share > 0).length);
  });
}

test('the policy named is that of the route the calls take', () => {
  const said = balancing([matching({ headers: [canary] }, routeTo([v1, 1])), routeTo([v2, 1])]);
  assert.equal(typeof said === 'string' ? said : said.balancedBy, "the proxy's ROUND_ROBIN");
});

const refused: readonly [string, readonly Route[], RegExp][] = [
  [
    'the route answers',
    [{ ...routeTo(), answer: { kind: 'direct', status: 503, body: '' } }],
    /^calls of \/echo\.Echo\/Say are answered by their route, .* `steelyard explain both\.default\.svc/,
  ],
  ['no route takes them', [matching({ headers: [canary] }, routeTo([v1, 1]))], /have no pod to go to/],
  ['their route leads to no pod', [routeTo([none, 1])], /have no pod to go to/],
];

for (const [name, routes, says] of refused) {
  test(`no way of its own: ${name}`, () => {
    const said = balancing(routes);
    assert.ok(typeof said === 'string');
    assert.match(said, says);
  });
}
