import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCompiler } from '../compile/index.ts';
import { parseObjects } from '../config/index.ts';
import { type ExplainedCall, explainCall } from './explain-call.ts';
import type { ExplainedStep } from './explained-step.ts';

const HOST = 'backend.shop.svc.cluster.local';
const OBJECTS = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'backend', namespace: 'shop' },
    spec: { ports: [{ name: 'grpc', port: 8000 }] },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'backend-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'backend' } },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port: 8000 }],
    endpoints: [{ addresses: ['10.0.0.1'] }],
  },
];

function rule(name: string, namespace: string, host: string, spec: object = {}): object {
  const metadata = { name, namespace };
  const trafficPolicy = { loadBalancer: { simple: 'RANDOM' } };
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata,
    spec: { host, trafficPolicy, ...spec },
  };
}

function explain(rules: readonly object[]): ExplainedCall {
  const documents = [...OBJECTS, ...rules].map((value) => ({ file: 'a', value, locate: () => undefined }));
  const snapshot = createCompiler().compile(parseObjects(documents, { defaultNamespace: 'default' }));
  const request = { path: '/echo.Echo/Say', authority: 'backend.shop:8000' };
  return explainCall(snapshot, request, { namespace: 'default', listenPort: 8000 });
}

function ruleStep(rules: readonly object[]): ExplainedStep {
  const step = explain(rules).steps.find((one) => one.step === 'destination-rule');
  assert.ok(step);
  return step;
}

test('every rule that was passed over is named with why', () => {
  const { object, decision, because } = ruleStep([
    rule('exact', 'shop', 'backend', { subsets: [{ name: 'v1' }] }),
    rule('second', 'shop', HOST, { subsets: [{ name: 'v1' }, { name: 'v2' }] }),
    rule('namespace-wide', 'shop', '*.shop.svc.cluster.local'),
    rule('mesh-wide', 'istio-system', '*.local'),
    rule('hidden', 'shop', 'backend', { exportTo: ['.'] }),
    rule('elsewhere', 'team', HOST),
    rule('batch', 'default', '*.svc.cluster.local', { workloadSelector: { matchLabels: { app: 'batch' } } }),
  ]);
  assert.equal(object, undefined);
  assert.equal(decision, `No DestinationRule is for ${HOST}: defaults hold.`);
  assert.deepEqual(because, [
    'team/elsewhere: Rules are looked up in the namespaces of the callers and of the Service, and in the root namespace only.',
    "shop/exact: default/batch is looked up first, in the callers' namespace, and ends the search though it does not hold.",
    "shop/hidden: exportTo leaves out the callers' namespace.",
    "shop/second: default/batch is looked up first, in the callers' namespace, and ends the search though it does not hold.",
    "shop/namespace-wide: default/batch is looked up first, in the callers' namespace, and ends the search though it does not hold.",
    'default/batch: workloadSelector does not select these callers.',
    "istio-system/mesh-wide: default/batch is looked up first, in the callers' namespace, and ends the search though it does not hold.",
  ]);
});

test('a rule that decides with others, and by a wildcard, says so', () => {
  const merged = ruleStep([
    rule('exact', 'shop', 'backend', { subsets: [{ name: 'v1' }] }),
    rule('second', 'shop', HOST, { subsets: [{ name: 'v1' }, { name: 'v2' }] }),
    rule('third', 'shop', HOST, { exportTo: ['.', 'default'] }),
    rule('wide', 'shop', '*.shop.svc.cluster.local'),
    rule('mesh-wide', 'istio-system', '*'),
  ]);
  assert.equal(merged.object?.name, 'third');
  assert.deepEqual(merged.because, [
    'shop/exact: It has the same host, but exportTo or workloadSelector keep it from being merged; shop/third holds for these callers.',
    'shop/second: It has the same host, but exportTo or workloadSelector keep it from being merged; shop/third holds for these callers.',
    `shop/wide: Host *.shop.svc.cluster.local fits less well than ${HOST} of shop/third.`,
    "istio-system/mesh-wide: shop/third is looked up first, in the Service's namespace.",
  ]);
  const { decision, because } = ruleStep([
    rule('wide', 'shop', '*.local'),
    rule('wider', 'shop', '*'),
    rule('beside', 'shop', '*.local', { subsets: [{ name: 'v1' }] }),
  ]);
  assert.equal(decision, `DestinationRule shop/beside is for ${HOST} by its host *.local.`);
  assert.deepEqual(because, [
    'shop/wide: It has the same host as shop/beside and is merged into it; its trafficPolicy is not used, as that of shop/beside holds.',
    'shop/wider: Host * fits less well than *.local of shop/beside.',
  ]);
});

test('subsets that an older rule defines are told of a rule that is merged', () => {
  const { because } = ruleStep([
    rule('exact', 'shop', 'backend', { subsets: [{ name: 'v1' }] }),
    rule('second', 'shop', HOST, { trafficPolicy: undefined, subsets: [{ name: 'v1' }] }),
  ]);
  assert.deepEqual(because, [
    'shop/second: It has the same host as shop/exact and is merged into it.',
    'shop/second: Subset "v1" is defined by the older DestinationRule exact, which holds.',
  ]);
});

test('a wider one is not taken where what fits best is hidden, and very many are counted', () => {
  const hidden = ruleStep([rule('exact', 'shop', 'backend', { exportTo: ['team'] }), rule('wide', 'shop', '*')]);
  assert.deepEqual(hidden.because, [
    "shop/exact: exportTo leaves out the callers' namespace.",
    `shop/wide: Host * fits less well than ${HOST} of shop/exact, though that one does not hold.`,
  ]);
  const many = ruleStep(Array.from({ length: 30 }, (_, index) => rule(`r${index}`, `n${index}`, HOST)));
  assert.equal(many.because.at(-1), '6 more DestinationRules for it do not hold.');
});
