import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { parseObjects } from './parse-objects.ts';
import { renderDiagnostic } from './render-diagnostic.ts';
import type { SourceDocument } from './source-document.ts';

/** A document whose fields stand on the line of their depth. */
function documentOf(value: unknown, file = 'a.yaml'): SourceDocument {
  return { file, value, locate: (path) => ({ line: path.length + 1, column: 1 }) };
}

function pod(name: string, more: object = {}): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, ...more } };
}

function parse(...values: readonly unknown[]): ReturnType<typeof parseObjects> {
  return parseObjects(
    values.map((value) => documentOf(value)),
    { defaultNamespace: 'home' },
  );
}

test('the namespace of an object without one is the default', () => {
  const { objects, diagnostics } = parse(pod('a'), pod('b', { namespace: 'away' }), pod('c', { namespace: '' }));
  assert.deepEqual(
    objects.map(({ object }) => `${object.namespace}/${object.name}`),
    ['home/a', 'away/b', 'home/c'],
  );
  assert.deepEqual(diagnostics, []);
});

test('lists are opened, whether or not their items say their kind', () => {
  const { objects, diagnostics } = parse(
    { apiVersion: 'v1', kind: 'List', items: [pod('a'), { apiVersion: 'v1', kind: 'List', items: [pod('c')] }] },
    { apiVersion: 'v1', kind: 'PodList', metadata: { resourceVersion: '7' }, items: [{ metadata: { name: 'b' } }] },
  );
  assert.deepEqual(
    objects.map(({ object, origin }) => [object.name, origin]),
    [
      ['a', { file: 'a.yaml', document: 0, item: 0 }],
      ['c', { file: 'a.yaml', document: 0, item: 1 }],
      ['b', { file: 'a.yaml', document: 1, item: 0 }],
    ],
  );
  assert.deepEqual(diagnostics, []);
});

test('of two objects of one name the first holds, and both places are named', () => {
  const { objects, diagnostics } = parseObjects(
    [documentOf(pod('a', { labels: { v: '1' } }), 'one.yaml'), documentOf(pod('a'), 'two.yaml')],
    { defaultNamespace: 'home' },
  );
  assert.deepEqual(
    objects.map(({ object }) => object.kind === 'Pod' && object.labels),
    [{ v: '1' }],
  );
  assert.deepEqual(
    diagnostics.map((diagnostic) => renderDiagnostic(diagnostic)),
    [
      'two.yaml:1:1: error: Pod home/a: Pod home/a is defined at one.yaml:1 already, which holds; remove one. [duplicate-object]',
    ],
  );
});

const FINDINGS: readonly { value: unknown; code: string; path?: string; broken?: boolean }[] = [
  { value: 'hello', code: 'not-an-object', broken: true },
  { value: [pod('a')], code: 'not-an-object', broken: true },
  { value: {}, code: 'not-an-object', broken: true },
  { value: { kind: 'Pod' }, code: 'not-an-object', broken: true },
  { value: { kind: 1, apiVersion: 'v1' }, code: 'wrong-type', path: 'kind', broken: true },
  { value: { apiVersion: 'apps/v1', kind: 'Deployment' }, code: 'unknown-kind', path: 'kind' },
  { value: { apiVersion: 'serving.knative.dev/v1', kind: 'Service' }, code: 'unknown-kind', path: 'kind' },
  { value: { apiVersion: 'networking.istio.io/v1', kind: 'Sidecar' }, code: 'kind-not-honoured', path: 'kind' },
  { value: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'GRPCRoute' }, code: 'kind-not-honoured', path: 'kind' },
  { value: { apiVersion: 'v1', kind: 'Endpoints' }, code: 'kind-not-honoured', path: 'kind' },
  {
    value: { apiVersion: 'discovery.k8s.io/v1beta1', kind: 'EndpointSlice', metadata: { name: 'a' } },
    code: 'unsupported-version',
    path: 'apiVersion',
    broken: true,
  },
  {
    value: { apiVersion: 'networking.istio.io/v1', kind: 'VirtualServce', metadata: { name: 'a' } },
    code: 'kind-misspelt',
    path: 'kind',
    broken: true,
  },
  {
    value: { apiVersion: 'networking.istio.oi/v1', kind: 'VirtualService', metadata: { name: 'a' } },
    code: 'kind-misspelt',
    path: 'apiVersion',
    broken: true,
  },
  { value: { apiVersion: 'v1', kind: 'PodList', items: 3 }, code: 'wrong-type', path: 'items', broken: true },
  { value: { apiVersion: 'v1', kind: 'Pod' }, code: 'missing-field', broken: true },
  { value: { apiVersion: 'v1', kind: 'Pod', metadata: {} }, code: 'missing-field', path: 'metadata', broken: true },
  { value: pod('Up'), code: 'invalid-value', path: 'metadata.name', broken: true },
  { value: pod('a', { namespace: 'a.b' }), code: 'invalid-value', path: 'metadata.namespace', broken: true },
  { value: pod('a', { labels: { v: 1 } }), code: 'wrong-type', path: 'metadata.labels.v', broken: true },
  {
    value: pod('a', { creationTimestamp: 'x' }),
    code: 'invalid-value',
    path: 'metadata.creationTimestamp',
    broken: true,
  },
  { value: pod('a', { lables: {} }), code: 'unknown-field', path: 'metadata.lables' },
  { value: { ...pod('a'), extra: 1 }, code: 'unknown-field', path: 'extra' },
  {
    value: pod('a', { annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } }),
    code: 'field-not-honoured',
    path: 'metadata.annotations[service.kubernetes.io/topology-mode]',
  },
];

test('each finding says its code and its path, and costs no other document', () => {
  for (const { value, code, path, broken = false } of FINDINGS) {
    const parsed = parse(value, pod('other'));
    assert.deepEqual(
      parsed.diagnostics.map((diagnostic) => [diagnostic.code, diagnostic.path]),
      [[code, path]],
      JSON.stringify(value),
    );
    assert.equal(parsed.broken.length, broken ? 1 : 0, JSON.stringify(value));
    assert.equal(parsed.objects.at(-1)?.object.name, 'other');
  }
});

test('bookkeeping and status get no word', () => {
  const metadata = {
    name: 'a',
    uid: 'u',
    resourceVersion: '1',
    generation: 2,
    managedFields: [{}],
    ownerReferences: [{}],
  };
  const noise = { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' }, finalizers: ['x'] };
  const { diagnostics } = parse({ ...pod('a'), metadata: { ...metadata, ...noise }, status: { phase: 'Running' } });
  assert.deepEqual(diagnostics, []);
});

test('what the source could not read is reported and known as broken by its place', () => {
  const { broken, diagnostics, objects } = parseObjects(
    [
      documentOf(pod('a')),
      { ...documentOf(undefined), problems: [{ code: 'syntax-error', message: 'No.', line: 9, column: 2 }] },
      documentOf(null),
      { ...documentOf(undefined, 'b.yaml'), problems: [{ code: 'source-unreadable', message: 'Denied.' }] },
    ],
    { defaultNamespace: 'home' },
  );
  assert.equal(objects.length, 1);
  assert.deepEqual(broken, [{ file: 'a.yaml', document: 1, isEnd: true }, { file: 'b.yaml' }]);
  assert.deepEqual(
    diagnostics.map((diagnostic) => renderDiagnostic(diagnostic)),
    ['a.yaml:9:2: error: No. [syntax-error]', 'b.yaml: error: Denied. [source-unreadable]'],
  );
});

const KINDS = [
  ['v1', 'Service'],
  ['v1', 'Pod'],
  ['v1', 'List'],
  ['discovery.k8s.io/v1', 'EndpointSlice'],
  ['networking.istio.io/v1', 'VirtualService'],
  ['networking.istio.io/v1beta1', 'DestinationRule'],
] as const;

/** Fields that some kind knows, so that arbitrary data gets past the first check. */
const FIELDS =
  'items metadata name namespace labels spec ports port protocol targetPort clusterIP clusterIPs type endpoints addresses addressType conditions ready targetRef hosts http route destination host subset weight match uri number gateways exportTo trafficPolicy loadBalancer simple subsets tls mode __proto__ constructor toString'.split(
    ' ',
  );

test('arbitrary data in any kind never throws and never passes in silence', () => {
  const leaf = fc.oneof(
    fc.constantFrom<unknown>(null, true, 0, 1, 80, -1, 1.5, 'a', 'a.b', '*', '', '10.0.0.1', '::1', 'None', 'RANDOM'),
    fc.string(),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 6 },
      leaf,
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...FIELDS), tie('tree'), { maxKeys: 6 }),
    ),
  }));
  const fields = fc.dictionary(fc.constantFrom(...FIELDS), tree, { maxKeys: 8 });
  fc.assert(
    fc.property(fc.constantFrom(...KINDS), fields, fc.boolean(), ([apiVersion, kind], body, named) => {
      const value = { ...body, ...(named && { metadata: { name: 'a' } }), apiVersion, kind };
      const { objects, broken, diagnostics } = parse(value);
      const errors = diagnostics.filter(({ severity }) => severity === 'error');
      if (kind !== 'List' && objects.length + broken.length === 0) assert.ok(diagnostics.length > 0);
      if (broken.length > 0) assert.ok(errors.length > 0);
      if (errors.length > 0) assert.ok(broken.length > 0);
      for (const { message } of diagnostics) assert.match(message, /^\S[^\n]*\.$/);
    }),
    { numRuns: 2000, seed: 11 },
  );
});
