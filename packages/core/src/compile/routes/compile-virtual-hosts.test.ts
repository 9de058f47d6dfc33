import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  backend,
  codes,
  compile,
  FULL,
  NEW,
  OLD,
  policyOf,
  routeTo,
  service,
  shares,
  slice,
  targets,
  virtualService,
} from '../compile.test-bed.ts';

test('a Service without Istio objects has its default route and policy', () => {
  const snapshot = compile(backend);
  assert.deepEqual(shares(snapshot), [[`outbound|8000||${FULL}`, 1]]);
  assert.equal(policyOf(snapshot), 'LEAST_REQUEST');
  assert.equal(snapshot.clusters.get(`outbound|8000||${FULL}`)?.endpoints.length, 2);
  assert.deepEqual(snapshot.diagnostics, []);
});

const WEIGHTS: readonly [readonly (number | undefined)[], readonly (readonly [string, number])[]][] = [
  [[0], [['backend', 1]]],
  [[undefined], [['backend', 1]]],
  [[7], [['backend', 1]]],
  [
    [90, 10],
    [
      ['backend', 90],
      ['other', 10],
    ],
  ],
  [[0, 5], [['other', 5]]],
  [[1, undefined], [['backend', 1]]],
];

test('weights share as Istio shares: a sole destination gets all, of several zero gets nothing', () => {
  for (const [weights, expected] of WEIGHTS) {
    const route = weights.map((weight, index) => ({
      destination: { host: ['backend', 'other'][index] },
      ...(weight !== undefined && { weight }),
    }));
    const objects = [
      ...backend,
      service('other'),
      slice('other', ['q']),
      virtualService('v', { hosts: ['backend'], http: [{ route }] }),
    ];
    const snapshot = compile(objects);
    assert.deepEqual(
      shares(snapshot),
      expected.map(([name, weight]) => [`outbound|8000||${name}.default.svc.cluster.local`, weight]),
    );
    const [first] = snapshot.virtualHosts.get(`${FULL}:8000`)?.routes ?? [];
    assert.equal(
      first?.totalWeight,
      expected.reduce((sum, [, weight]) => sum + weight, 0),
    );
  }
});

test('rules that can never hold leave no route, not the default one', () => {
  const match = [{ headers: { '@request.auth.claims.sub': { exact: 'me' } } }];
  const snapshot = compile([
    ...backend,
    virtualService('v', { hosts: ['backend'], http: [{ match, route: [{ destination: { host: 'backend' } }] }] }),
  ]);
  assert.ok(codes(snapshot).includes('rule-not-served v'), codes(snapshot).join());
  const found = snapshot.virtualHosts.get(`${FULL}:8000`);
  assert.deepEqual([found?.routes, found?.virtualService?.name], [[], 'v']);
});

const KEEPS_DEFAULT: readonly [string, object, string][] = [
  [
    'not in the mesh',
    virtualService('v', { hosts: ['backend'], gateways: ['gw'], http: [{ redirect: { uri: '/' } }] }),
    'not-in-mesh v',
  ],
  [
    'not exported',
    virtualService('v', { hosts: ['backend'], exportTo: ['~'], http: [{ redirect: { uri: '/' } }] }),
    'not-exported v',
  ],
  ['no HTTP part', virtualService('v', { hosts: ['backend'], tcp: [{}] }), 'field-without-effect v'],
  ['name.namespace', routeTo('v', ['backend.default'], 'nope'), 'host-not-expanded v'],
  ['name.namespace.svc', routeTo('v', ['backend.default.svc'], 'nope'), 'host-not-expanded v'],
  ['another namespace', routeTo('v', ['backend'], 'nope', { namespace: 'away' }), 'host-unknown v'],
];

test('a VirtualService that does not apply leaves the default route, and says why', () => {
  for (const [why, object, finding] of KEEPS_DEFAULT) {
    const snapshot = compile([...backend, object]);
    assert.equal(shares(snapshot)?.[0]?.[0], `outbound|8000||${FULL}`, why);
    assert.equal(snapshot.virtualHosts.get(`${FULL}:8000`)?.virtualService, undefined, why);
    assert.ok(codes(snapshot).includes(finding), `${why}: ${codes(snapshot).join(', ')}`);
  }
});

const PRECEDENCE: readonly [string, readonly object[], string, readonly string[]][] = [
  ['exact beats wildcard', [routeTo('a', ['*.cluster.local'], 'x', OLD), routeTo('b', [FULL], 'y', NEW)], 'y', []],
  [
    'the longest wildcard',
    [routeTo('a', ['*.local'], 'x', OLD), routeTo('b', ['*.default.svc.cluster.local'], 'y', NEW)],
    'y',
    [],
  ],
  [
    'the oldest',
    [routeTo('a', ['backend'], 'x', NEW), routeTo('b', ['backend'], 'y', OLD)],
    'y',
    ['virtual-service-conflict a'],
  ],
  ['then by name', [routeTo('b', ['backend'], 'x'), routeTo('a', [FULL], 'y')], 'y', ['virtual-service-conflict b']],
  [
    'private before public, however old',
    [
      routeTo('a', ['backend'], 'x', OLD),
      virtualService(
        'b',
        { hosts: ['backend'], exportTo: ['.'], http: [{ route: [{ destination: { host: 'y' } }] }] },
        NEW,
      ),
    ],
    'y',
    ['virtual-service-conflict a'],
  ],
];

test('one VirtualService holds for a host', () => {
  for (const [why, objects, target, findings] of PRECEDENCE) {
    for (const ordered of [objects, objects.toReversed()]) {
      const snapshot = compile([...backend, ...targets, ...ordered]);
      assert.equal(shares(snapshot)?.[0]?.[0], `outbound|8000||${target}.default.svc.cluster.local`, why);
      assert.deepEqual(codes(snapshot), findings, why);
    }
  }
});

const DESTINATIONS: readonly [string, object, string, string | undefined][] = [
  ['the only port by default', { host: 'single' }, 'outbound|9000||single.default.svc.cluster.local', undefined],
  ['else the addressed port', { host: 'double' }, 'outbound|8000||double.default.svc.cluster.local', undefined],
  [
    'a port by number',
    { host: 'double', port: { number: 81 } },
    'outbound|81||double.default.svc.cluster.local',
    undefined,
  ],
  [
    'an unknown port',
    { host: 'single', port: { number: 1 } },
    'outbound|1||single.default.svc.cluster.local',
    'destination-unknown-port v',
  ],
  ['an unknown host', { host: 'nope' }, 'outbound|8000||nope.default.svc.cluster.local', 'destination-unknown-host v'],
  ['a host not expanded', { host: 'single.default' }, 'outbound|8000||single.default', 'host-not-expanded v'],
  ['an alias', { host: 'alias' }, 'outbound|8000||alias.default.svc.cluster.local', 'destination-unknown-host v'],
  [
    'an unknown subset',
    { host: 'single', subset: 'v9' },
    'outbound|9000|v9|single.default.svc.cluster.local',
    'destination-unknown-subset v',
  ],
];

test('a destination that leads nowhere keeps its share and has no endpoint', () => {
  const others = [
    service('single', { ports: [{ name: 'grpc', port: 9000 }] }),
    slice('single', ['q']),
    service('double', {
      ports: [
        { name: 'two', port: 81 },
        { name: 'grpc', port: 8000 },
      ],
    }),
    slice('double', ['q']),
    service('alias', { type: 'ExternalName', externalName: 'db.example', ports: undefined }),
  ];
  const before = codes(compile([...backend, ...others]));
  for (const [why, destination, cluster, finding] of DESTINATIONS) {
    const route = [
      { destination: { host: 'backend' }, weight: 1 },
      { destination, weight: 3 },
    ];
    const snapshot = compile([...backend, ...others, virtualService('v', { hosts: ['backend'], http: [{ route }] })]);
    assert.deepEqual(shares(snapshot)?.[1], [cluster, 3], why);
    assert.equal(snapshot.clusters.has(cluster), true, why);
    if (finding !== undefined) assert.deepEqual(snapshot.clusters.get(cluster)?.endpoints, [], why);
    assert.deepEqual(codes(snapshot), [...before, ...(finding === undefined ? [] : [finding])], why);
  }
});
