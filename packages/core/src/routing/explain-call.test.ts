import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCompiler } from '../compile/index.ts';
import { parseObjects } from '../config/index.ts';
import type { Snapshot } from '../model/index.ts';
import { type ExplainedCall, explainCall } from './explain-call.ts';

const service = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { ports: [{ name: 'grpc', port: 8000 }] },
});
const slice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'backend-1', labels: { 'kubernetes.io/service-name': 'backend' } },
  addressType: 'IPv4',
  ports: [{ name: 'grpc', port: 8000 }],
  endpoints: [1, 2, 3].map((n) => ({
    addresses: [`10.0.0.${n}`],
    conditions: { ready: n !== 3 },
    targetRef: { kind: 'Pod', name: `p${n}` },
  })),
};
const pod = (n: number): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `p${n}`, labels: { v: String(n) } },
});
const istio = (kind: string, name: string, spec: object): object => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name },
  spec,
});
const routes = [
  { match: [{ headers: { user: { exact: 'jason' } } }], route: [{ destination: { host: 'backend', subset: 'one' } }] },
  {
    match: [{ uri: { prefix: '/echo.' } }],
    timeout: '1s',
    route: [
      { destination: { host: 'backend', subset: 'one' }, weight: 3 },
      { destination: { host: 'backend', subset: 'two' }, weight: 1 },
    ],
  },
];
const OBJECTS = [
  service('backend'),
  slice,
  pod(1),
  pod(2),
  pod(3),
  istio('VirtualService', 'v', { hosts: ['backend'], http: routes }),
  istio('VirtualService', 'late', { hosts: ['backend'], http: [{ route: [{ destination: { host: 'backend' } }] }] }),
  istio('DestinationRule', 'd', {
    host: 'backend',
    trafficPolicy: { loadBalancer: { simple: 'RANDOM' } },
    subsets: [
      { name: 'one', labels: { v: '1' } },
      { name: 'two', labels: { v: '2' } },
    ],
  }),
];

function snapshotOf(objects: readonly object[]): Snapshot {
  const documents = objects.map((value) => ({ file: 'a', value, locate: () => undefined }));
  return createCompiler().compile(parseObjects(documents, { defaultNamespace: 'default' }));
}

function explain(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  authority = 'backend:8000',
): ExplainedCall {
  const request = { path, authority, method: 'POST', scheme: 'http', header: (name: string) => headers[name] };
  // "late" comes before "v" by name: of the same age, the name decides.
  return explainCall(snapshotOf(OBJECTS.toSpliced(6, 1)), request, { namespace: 'default', listenPort: 0 });
}

test('each step names the object and the field that decided, and why those before it did not', () => {
  const { steps, outcome, shares } = explain('/echo.Echo/Say');
  assert.equal(outcome, 'forwarded');
  assert.deepEqual(
    steps.map(({ step, object, field }) => `${step} ${object?.name ?? ''} ${field ?? ''}`.trim()),
    [
      'host backend metadata.name',
      'virtual-service v spec.hosts',
      'route v spec.http[1]',
      'action v spec.http[1].timeout',
      'destination v spec.http[1].route',
      'destination-rule d spec.subsets',
      'endpoints backend spec.ports',
      'policy d spec.trafficPolicy.loadBalancer',
      'destination v spec.http[1].route',
      'destination-rule d spec.subsets',
      'endpoints backend spec.ports',
      'policy d spec.trafficPolicy.loadBalancer',
    ],
  );
  assert.deepEqual(steps[2]?.because, [
    'Route http[0] does not: headers[user] must be one that is "jason", and it is absent.',
  ]);
  assert.match(
    steps[6]?.because.join(' ') ?? '',
    /10\.0\.0\.1:8000 is in.*10\.0\.0\.2:8000 is out: its labels.*10\.0\.0\.3:8000 is out: it is not ready/,
  );
  assert.deepEqual(
    shares.map(({ endpoint, pod: name, share, exact }) => [endpoint, name, share, exact]),
    [
      ['10.0.0.1:8000', 'p1', 0.75, true],
      ['10.0.0.2:8000', 'p2', 0.25, true],
    ],
  );
});

test('it is the very choice of the proxy: a header leads elsewhere, and what nobody takes fails', () => {
  assert.equal(explain('/echo.Echo/Say', { user: 'jason' }).steps[2]?.field, 'spec.http[0]');
  const lost = explain('/other.Other/Do');
  assert.equal(lost.outcome, 'failed');
  assert.equal(lost.steps.at(-1)?.because.length, 2);
  const nowhere = explain('/echo.Echo/Say', {}, 'nobody');
  assert.deepEqual([nowhere.outcome, nowhere.steps.length], ['failed', 1]);
});

test('objects that might have decided are named with the reason why they did not', () => {
  const request = { path: '/echo.Echo/Say', authority: 'backend:8000' };
  const { steps } = explainCall(snapshotOf(OBJECTS), request, { namespace: 'default', listenPort: 0 });
  assert.equal(steps[1]?.object?.name, 'late');
  assert.match(steps[1]?.because.join(' ') ?? '', /default\/v: Host backend\.default\.svc\.cluster\.local belongs to/);
});

test('a wildcard that fits less well is named, too', () => {
  const wide = istio('VirtualService', 'wide', {
    hosts: ['*.default.svc.cluster.local'],
    http: [{ route: [{ destination: { host: 'backend' } }] }],
  });
  const request = { path: '/echo.Echo/Say', authority: 'backend:8000' };
  const { steps } = explainCall(snapshotOf([...OBJECTS, wide]), request, { namespace: 'default', listenPort: 0 });
  assert.ok(steps[1]?.because.includes('default/wide: Host *.default.svc.cluster.local fits less well.'));
  assert.ok(!steps[1]?.because.some((line) => line.startsWith('default/late: Host *')));
});

test('shares are of all calls: what a fault ends, and what has nowhere to go, is told beside them', () => {
  const abort = (value: number): object => ({ abort: { grpcStatus: 'ABORTED', percentage: { value } } });
  const route = [
    { destination: { host: 'backend', subset: 'one' }, weight: 3 },
    { destination: { host: 'backend', subset: 'nobody' }, weight: 1 },
  ];
  const told = (http: object): ExplainedCall => {
    const snapshot = snapshotOf([
      ...OBJECTS.slice(0, 5),
      istio('VirtualService', 'v', { hosts: ['backend'], http: [http] }),
      ...OBJECTS.slice(7),
    ]);
    return explainCall(snapshot, { path: '/a', authority: 'backend' }, { namespace: 'default', listenPort: 8000 });
  };
  const some = told({ fault: abort(20), route });
  assert.deepEqual(
    [some.outcome, some.aborted, some.failing, ...some.shares.map(({ share }) => share)],
    ['forwarded', 0.2, 0.2, 0.6000000000000001],
  );
  const missing = some.steps.findLast(({ step }) => step === 'destination-rule');
  assert.match(
    missing?.decision ?? '',
    /^No DestinationRule of backend\..* defines subset "nobody": it has no endpoints\.$/,
  );
  assert.deepEqual(missing?.because, ['default/d: It decides, and defines only "one", "two".']);
  const all = told({ fault: abort(100), route });
  assert.deepEqual([all.outcome, all.aborted, all.failing, all.shares.length], ['answered', 1, 0, 0]);
  const none = told({ route: [{ destination: { host: 'backend', subset: 'nobody' } }] });
  assert.deepEqual([none.outcome, none.aborted, none.failing], ['failed', 0, 1]);
});

test('a preference for near endpoints is told with whose it is', () => {
  const near = {
    ...service('backend'),
    spec: { ports: [{ name: 'grpc', port: 8000 }], trafficDistribution: 'PreferClose' },
  };
  const zoned = {
    ...slice,
    endpoints: ['a', 'b'].map((zone, index) => ({ addresses: [`10.0.0.${index + 1}`], zone })),
  };
  const outliers = istio('DestinationRule', 'd', { host: 'backend', trafficPolicy: { outlierDetection: {} } });
  for (const [objects, kind, field] of [
    [[near, zoned], 'Service', 'spec.trafficDistribution'],
    [[service('backend'), zoned, outliers], 'DestinationRule', 'spec.trafficPolicy.outlierDetection'],
  ] as const) {
    const documents = objects.map((value) => ({ file: 'a', value, locate: () => undefined }));
    const clientLocality = { region: '', zone: 'b', subzone: '' };
    const parsed = parseObjects(documents, { defaultNamespace: 'default' });
    const snapshot = createCompiler({ clientLocality }).compile(parsed);
    const options = { namespace: 'default', listenPort: 8000 };
    const { steps, shares } = explainCall(snapshot, { path: '/a', authority: 'backend' }, options);
    const step = steps.find((one) => one.step === 'locality');
    assert.deepEqual([step?.object?.kind, step?.field], [kind, field]);
    assert.deepEqual(step?.because, [
      '/b/: priority 0, weight 1, 1 endpoint; it gets 100 % of the calls.',
      '/a/: priority 1, weight 1, 1 endpoint; it gets 0 % of the calls.',
    ]);
    const unknown = explainCall(createCompiler().compile(parsed), { path: '/a', authority: 'backend' }, options);
    const alike = unknown.steps.find((one) => one.step === 'locality');
    assert.equal(alike?.because[0]?.includes('the place of the callers is not known'), kind === 'Service' || undefined);
    assert.deepEqual(
      shares.map(({ endpoint, share }) => [endpoint, share]),
      [['10.0.0.2:8000', 1]],
    );
  }
});
