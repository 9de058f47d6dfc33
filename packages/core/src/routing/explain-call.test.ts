import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCompiler } from '../compile/index.ts';
import { parseObjects } from '../config/index.ts';
import { istio, pod, service, slice, snapshotOf } from './explain-call.test-bed.ts';
import { type ExplainedCall, explainCall } from './explain-call.ts';

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
      // What holds by default is nobody's.
      'action',
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
    steps.find(({ step }) => step === 'endpoints')?.because.join(' ') ?? '',
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
    assert.deepEqual([alike?.object?.kind, alike?.field], [kind, field]);
    assert.match(alike?.because[0] ?? '', /callers,? (?:whose place )?is not known/);
    assert.deepEqual(
      shares.map(({ endpoint, share }) => [endpoint, share]),
      [['10.0.0.2:8000', 1]],
    );
  }
});

test('of rules that are delegated to nobody it is told why they are left out', () => {
  const delegates = (name: string): object => ({ match: [{ uri: { prefix: `/${name}` } }], delegate: { name } });
  const root = istio('VirtualService', 'root', {
    hosts: ['backend'],
    http: [delegates('nobody'), delegates('other'), { route: [{ destination: { host: 'backend' } }] }],
  });
  const outside = { match: [{ uri: { prefix: '/elsewhere' } }], route: [{ destination: { host: 'backend' } }] };
  const other = istio('VirtualService', 'other', { http: [outside] });
  const foreign = istio('VirtualService', 'foreign', {
    hosts: ['else.example'],
    http: [delegates('nowhere'), { route: [{ destination: { host: 'backend' } }] }],
  });
  const snapshot = snapshotOf([service('backend'), slice, root, other, foreign]);
  const request = { path: '/echo.Echo/Say', authority: 'backend:8000' };
  const { steps } = explainCall(snapshot, request, { namespace: 'default', listenPort: 0 });
  const said = steps.find(({ step }) => step === 'route')?.because ?? [];
  assert.deepEqual(said, [
    'Route http[0] does not: its delegate default/nobody is not there or has hosts of its own.',
    'Route http[0] of default/other does not: its match takes nothing of what default/root delegates to it.',
  ]);
});

test('a field is of the rule that has it: of the one that delegates, or of the one delegated to', () => {
  const root = istio('VirtualService', 'root', {
    hosts: ['backend'],
    http: [{ delegate: { name: 'child' }, timeout: '5s', headers: { request: { set: { 'x-root': '1' } } } }],
  });
  const route = [{ destination: { host: 'backend' } }];
  const child = istio('VirtualService', 'child', { http: [{ route, retries: { attempts: 1 }, timeout: '9s' }] });
  const snapshot = snapshotOf([service('backend'), slice, root, child]);
  const request = { path: '/echo.Echo/Say', authority: 'backend:8000' };
  const { steps } = explainCall(snapshot, request, { namespace: 'default', listenPort: 0 });
  const places = steps.filter(({ step }) => step === 'action').map(({ object, field }) => `${object?.name} ${field}`);
  assert.deepEqual(places, [
    'root spec.http[0].headers.request',
    'child spec.http[0].timeout',
    'child spec.http[0].retries',
  ]);
});

test('the Service to fall back on is told as such, with why it is', () => {
  const snapshot = snapshotOf([service('backend'), slice]);
  const options = {
    namespace: 'default',
    listenPort: 8000,
    service: { namespace: 'default', name: 'backend', port: 8000 },
  };
  const at = (authority: string): ExplainedCall => explainCall(snapshot, { path: '/a.B/C', authority }, options);
  assert.match(
    at('backend').steps[0]?.decision ?? '',
    /^:authority "backend" means Service default\/backend, port 8000/,
  );
  const { outcome, steps } = at('stranger:1');
  assert.equal(outcome, 'forwarded');
  const [host] = steps;
  const decision =
    ':authority "stranger:1" leads nowhere, so the call goes to the Service to fall back on: Service default/backend, port 8000.';
  assert.equal(host?.decision, decision);
  assert.deepEqual(host?.because, [':authority "stranger:1" means Service default/stranger, which is not known.']);
});
