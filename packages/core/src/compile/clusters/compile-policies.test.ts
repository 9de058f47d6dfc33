import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from '../../model/index.ts';
import { codes, compile, destinationRule, FULL, pod, policyOf, service, simple, slice } from '../compile.test-bed.ts';
import { type CompilerOptions, createCompiler } from '../compiler.ts';

const lb = (policy: string): object => ({ loadBalancer: { simple: policy } });
const perPort = (policy: string): object => ({ portLevelSettings: [{ port: { number: 8000 }, ...lb(policy) }] });
const od = { outlierDetection: { interval: '1s' } };

const two = service('backend', {
  ports: [
    { name: 'grpc', port: 8000 },
    { name: 'other', port: 9000, targetPort: 8000 },
  ],
});
const PODS = [two, slice('backend', ['p1', 'p2']), pod('p1', { v: '1' }), pod('p2', { v: '2' })];

function clusterOf(spec: object, subset: object | undefined, port = 8000): Cluster | undefined {
  const subsets = subset && [{ name: 's', labels: { v: '1' }, trafficPolicy: subset }];
  const snapshot = compile([...PODS, destinationRule('d', { host: 'backend', ...spec, subsets })]);
  return snapshot.clusters.get(`outbound|${port}|${subset === undefined ? '' : 's'}|${FULL}`);
}

/** What holds on port 8000: of the rule, of the subset. */
const PRECEDENCE: readonly [object | undefined, object | undefined, string][] = [
  [lb('RANDOM'), undefined, 'RANDOM'],
  [{ ...lb('RANDOM'), ...perPort('ROUND_ROBIN') }, undefined, 'ROUND_ROBIN'],
  [lb('RANDOM'), lb('ROUND_ROBIN'), 'ROUND_ROBIN'],
  [lb('RANDOM'), od, 'RANDOM'],
  [perPort('RANDOM'), lb('ROUND_ROBIN'), 'ROUND_ROBIN'],
  [perPort('RANDOM'), od, 'RANDOM'],
  [lb('RANDOM'), perPort('ROUND_ROBIN'), 'ROUND_ROBIN'],
  [lb('RANDOM'), { portLevelSettings: [{ port: { number: 8000 }, ...od }] }, 'LEAST_REQUEST'],
  [{ ...lb('RANDOM'), portLevelSettings: [{ port: { number: 8000 }, ...od }] }, undefined, 'LEAST_REQUEST'],
];

test('a port’s settings replace the others, a subset’s blocks replace its rule’s', () => {
  for (const [rule, subset, expected] of PRECEDENCE) {
    const cluster = clusterOf(rule === undefined ? {} : { trafficPolicy: rule }, subset);
    assert.equal(cluster?.loadBalancer.kind, expected, JSON.stringify([rule, subset]));
  }
});

test('settings of one port leave the other port alone', () => {
  const spec = { trafficPolicy: { ...lb('RANDOM'), ...perPort('ROUND_ROBIN') } };
  assert.equal(clusterOf(spec, undefined, 9000)?.loadBalancer.kind, 'RANDOM');
});

test('a block of a subset replaces the whole block, and the other blocks stay', () => {
  const spec = { trafficPolicy: { ...od, connectionPool: { http: { maxRetries: 1, http2MaxRequests: 2 } } } };
  const cluster = clusterOf(spec, { connectionPool: { http: { maxRetries: 9 } } });
  assert.deepEqual(cluster?.connectionPool, { maxRetries: 9 });
  assert.equal(cluster?.outlierDetection?.intervalMs, 1000);
});

test('a rule for certain workloads holds for those, before the others, and for nobody else', () => {
  const selected = { workloadSelector: { matchLabels: { app: 'web' } }, ...simple('RANDOM') };
  const objects = [
    ...PODS,
    destinationRule('a', { host: 'backend', ...simple('ROUND_ROBIN') }),
    destinationRule('b', { host: 'backend', ...selected }),
  ];
  const web = compile(objects, createCompiler({ clientLabels: { app: 'web' } }));
  assert.equal(policyOf(web), 'RANDOM');
  const others = compile(objects);
  assert.equal(policyOf(others), 'ROUND_ROBIN');
  assert.ok(codes(others).includes('workload-selector b'));
});

/** Pods of several places: `region.zone`. */
function placed(...places: readonly string[]): object[] {
  const names = places.map((_, index) => `p${index}`);
  const pods = places.map((place, index) => pod(`p${index}`, { 'istio-locality': place, tier: `t${index}` }));
  return [service('backend'), slice('backend', names), ...pods];
}

const HERE: CompilerOptions = {
  clientLocality: { region: 'r1', zone: 'z1', subzone: '' },
  clientLabels: { tier: 't1' },
};

function groupsOf(loadBalancer: object | undefined, options: CompilerOptions, detect = true): unknown {
  const trafficPolicy = { ...(loadBalancer && { loadBalancer }), ...(detect ? od : {}), connectionPool: { tcp: {} } };
  const objects = [
    ...placed('r1.z1', 'r1.z2', 'r2.z1', 'r1.z1', 'r3.z1'),
    destinationRule('d', { host: 'backend', trafficPolicy }),
  ];
  const cluster = compile(objects, createCompiler(options)).clusters.get(`outbound|8000||${FULL}`);
  return cluster?.localities?.map(({ locality, priority, weight, members }) => [
    locality,
    priority,
    weight,
    members.length,
  ]);
}

test('calls stay near, but only where outlier detection watches', () => {
  const near = [
    ['r1/z1/', 0, 2, 2],
    ['r1/z2/', 1, 1, 1],
    ['r2/z1/', 2, 1, 1],
    ['r3/z1/', 2, 1, 1],
  ];
  assert.deepEqual(groupsOf(undefined, HERE), near);
  assert.equal(groupsOf(undefined, HERE, false), undefined);
  assert.equal(groupsOf(undefined, {}), undefined);
  assert.equal(groupsOf({ localityLbSetting: { enabled: false } }, HERE), undefined);
});

test('a region fails over to the region named', () => {
  const failover = { localityLbSetting: { failover: [{ from: 'r1', to: 'r3' }] } };
  assert.deepEqual(groupsOf(failover, HERE), [
    ['r1/z1/', 0, 2, 2],
    ['r1/z2/', 1, 1, 1],
    ['r3/z1/', 2, 1, 1],
    ['r2/z1/', 3, 1, 1],
  ]);
});

test('labels rank endpoints by how many of them they share, from the first on', () => {
  const byLabels = { localityLbSetting: { failoverPriority: ['topology.kubernetes.io/region', 'tier'] } };
  assert.deepEqual(groupsOf(byLabels, HERE), [
    ['r1/z2/', 0, 1, 1],
    ['r1/z1/', 1, 2, 2],
    ['r2/z1/', 2, 1, 1],
    ['r3/z1/', 2, 1, 1],
  ]);
});

test('calls are distributed by weight over places, with or without outlier detection', () => {
  const to = { 'r1/*': 80, 'r2/*': 20 };
  const distribute = { localityLbSetting: { distribute: [{ from: 'r1/z1/*', to }] } };
  const groups = groupsOf(distribute, HERE, false);
  assert.ok(Array.isArray(groups));
  const weights = groups.map(([locality, , weight]: unknown[]) => `${String(locality)} ${Number(weight).toFixed(2)}`);
  assert.deepEqual(weights, ['r1/z1/ 53.33', 'r1/z2/ 26.67', 'r2/z1/ 20.00']);
  assert.equal(groupsOf(distribute, { clientLocality: { region: 'r9', zone: '', subzone: '' } }, false), undefined);
});
