import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashOfEndpoint } from '../balance/index.ts';
import { compile, destinationRule, FULL, service, simple, slice } from '../compile/compile.test-bed.ts';
import type { Snapshot } from '../model/index.ts';
import { explainCall } from './explain-call.ts';
import { meantEndpoint } from './meant-endpoint.ts';
import { createRouteTable } from './route-table.ts';

const rule = destinationRule('d', { host: 'backend', ...simple('PASSTHROUGH') });
const named = {
  ...slice('backend', []),
  ports: [{ name: 'grpc', port: 9000 }],
  endpoints: [1, 2].map((n) => ({ addresses: [`10.0.0.${n}`], hostname: `backend-${n}` })),
};
const headless = compile([service('backend', { clusterIP: 'None' }), named, rule]);
const withAddress = compile([service('backend', { clusterIP: '10.96.0.7' }), named, rule]);
const balanced = compile([service('backend', { clusterIP: 'None' }), named]);
const all = `outbound|8000||${FULL}`;

/** The authority, whether it has a virtual host, and the pod it means. */
const CASES: readonly [string, boolean, string | undefined][] = [
  ['10.0.0.2:9000', true, '10.0.0.2:9000'],
  ['10.0.0.2:8000', false, undefined],
  ['10.0.0.9:9000', false, undefined],
  ['backend:8000', true, undefined],
  [FULL, true, undefined],
  ['backend-1.backend', true, '10.0.0.1:9000'],
  ['BACKEND-2.backend.default.svc.cluster.local.:8000', true, '10.0.0.2:9000'],
  ['backend-1.backend.default:8000', true, '10.0.0.1:9000'],
  ['backend-1.backend:1', false, '10.0.0.1:9000'],
  ['backend-3.backend:8000', true, undefined],
  ['backend-1.other:8000', false, undefined],
  ['backend-1', false, undefined],
  ['a b', false, undefined],
];

function tableOf(snapshot: Snapshot): (authority: string) => string | undefined {
  const table = createRouteTable(snapshot, { namespace: 'default', listenPort: 1 });
  return (authority) => table.findVirtualHost(authority)?.host;
}

test('PASSTHROUGH without a cluster address: calls may name a pod by address or hostname', () => {
  const hostOf = tableOf(headless);
  const cluster = headless.clusters.get(all);
  assert.ok(cluster);
  for (const [authority, hasHost, pod] of CASES) {
    assert.equal(hostOf(authority), hasHost ? FULL : undefined, authority);
    const expected = pod === undefined ? undefined : hashOfEndpoint(pod);
    assert.equal(meantEndpoint(cluster, { path: '/', authority }), expected, authority);
  }
});

test('addresses are compared, not their spelling', () => {
  const sixes = {
    ...slice('backend', []),
    addressType: 'IPv6',
    ports: [{ name: 'grpc', port: 9000 }],
    endpoints: [{ addresses: ['fd00::a:1'] }],
  };
  const snapshot = compile([service('backend', { clusterIP: 'None', ipFamilies: ['IPv6'] }), sixes, rule]);
  const cluster = snapshot.clusters.get(all);
  assert.ok(cluster);
  for (const authority of ['[fd00::a:1]:9000', '[FD00:0:0:0:0:0:A:1]:9000']) {
    assert.equal(tableOf(snapshot)(authority), FULL, authority);
    assert.equal(meantEndpoint(cluster, { path: '/', authority }), hashOfEndpoint('[fd00::a:1]:9000'), authority);
  }
  assert.equal(tableOf(snapshot)('[fd00::a:1]'), undefined);
});

test('pods of a Service with an address have no names of their own, and those of a headless one only names', () => {
  for (const snapshot of [withAddress, balanced]) assert.equal(tableOf(snapshot)('10.0.0.2:9000'), undefined);
  assert.equal(tableOf(withAddress)('backend-1.backend:8000'), undefined);
  assert.equal(tableOf(balanced)('backend-1.backend:8000'), FULL);
});

const EXPLAINED: readonly [Snapshot, string, RegExp, readonly (readonly [string, number, boolean])[]][] = [
  [
    withAddress,
    'backend:8000',
    /Calls go to 10\.96\.0\.7:8000, the address of the Service.*the kernel may choose it.*those of one connection stay on one pod/s,
    [['10.96.0.7:8000', 1, true]],
  ],
  [headless, '10.0.0.1:9000', /PASSTHROUGH: the call names this endpoint/, [['10.0.0.1:9000', 1, true]]],
  [
    headless,
    'backend:8000',
    /PASSTHROUGH: the call names no endpoint/,
    [
      ['10.0.0.1:9000', 0.5, false],
      ['10.0.0.2:9000', 0.5, false],
    ],
  ],
];

test('explain says where such calls go', () => {
  for (const [snapshot, authority, words, expected] of EXPLAINED) {
    const options = { namespace: 'default', listenPort: 8000 };
    const { steps, shares } = explainCall(snapshot, { path: '/a/b', authority }, options);
    assert.match(steps.map(({ decision, because }) => [decision, ...because].join('\n')).join('\n'), words);
    assert.deepEqual(
      shares.map(({ endpoint, share, exact }) => [endpoint, share, exact]),
      expected,
    );
  }
});
