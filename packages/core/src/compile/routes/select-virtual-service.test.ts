import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRouteTable } from '../../routing/index.ts';
import {
  backend,
  codes,
  compile,
  destinationRule,
  FULL,
  routeTo,
  service,
  slice,
  targets,
  virtualService,
} from '../compile.test-bed.ts';
import { type CompilerOptions, createCompiler } from '../compiler.ts';

const to = (host: string): object => ({ route: [{ destination: { host } }] });
const only = (match: object, host: string): object => ({ match: [match], ...to(host) });
const rules = (name: string, http: readonly object[], spec: object = {}): object =>
  virtualService(name, { hosts: ['backend'], http, ...spec });

const twoPorts = [
  service('backend', {
    ports: [
      { name: 'grpc', port: 8000 },
      { name: 'admin', port: 9000 },
    ],
  }),
  slice('backend', ['p']),
  ...targets,
];

/** What decides at each port, where its first route leads, and what is said of conflicts. */
function decided(
  objects: readonly object[],
  options: CompilerOptions = {},
): readonly (readonly [number, string, string])[] {
  const snapshot = compile([...twoPorts, ...objects], createCompiler(options));
  return [8000, 9000].map((port) => {
    const host = snapshot.virtualHosts.get(`${FULL}:${port}`);
    const [route] = host?.routes ?? [];
    const name = route?.destinations[0]?.cluster.split('|')[3]?.split('.')[0] ?? '';
    return [port, host?.virtualService?.name ?? 'none', name] as const;
  });
}

function conflicts(objects: readonly object[], options: CompilerOptions = {}): readonly string[] {
  return compile([...twoPorts, ...objects], createCompiler(options)).diagnostics.flatMap(
    ({ code, object, message, path }) =>
      code === 'virtual-service-conflict' ? [`${object?.name ?? ''} ${path ?? ''}: ${message}`] : [],
  );
}

test('of several VirtualServices the first with a rule for the port decides there', () => {
  const split = [rules('a', [only({ port: 9000 }, 'x')]), rules('b', [only({ port: 8000 }, 'y')])];
  for (const objects of [split, split.toReversed()]) {
    assert.deepEqual(decided(objects), [
      [8000, 'b', 'y'],
      [9000, 'a', 'x'],
    ]);
    assert.deepEqual(conflicts(objects), []);
  }
  const rest = [rules('a', [only({ port: 9000 }, 'x')]), rules('b', [to('y')])];
  assert.deepEqual(decided(rest), [
    [8000, 'b', 'y'],
    [9000, 'a', 'x'],
  ]);
  assert.deepEqual(conflicts(rest), [
    `b spec.hosts[0]: At port 9000, host ${FULL} belongs to VirtualService default/a, which takes precedence; this one is not used there.`,
  ]);
});

test('and the first with a rule for the callers; why the others have none is kept', () => {
  const objects = [rules('a', [only({ sourceNamespace: 'away' }, 'x')]), rules('b', [to('y')])];
  assert.equal(decided(objects)[0]?.[1], 'b');
  assert.deepEqual(conflicts(objects), []);
  const { leftOut } = compile([...twoPorts, ...objects]).virtualHosts.get(`${FULL}:8000`) ?? {};
  assert.deepEqual(leftOut?.rules, [
    {
      name: 'http[0]',
      virtualService: { kind: 'VirtualService', namespace: 'default', name: 'a' },
      after: 0,
      why: "the callers' namespace must be away, and it is default",
    },
  ]);
  const away = { clientNamespace: 'away' };
  assert.equal(decided(objects, away)[0]?.[1], 'a');
  assert.deepEqual(conflicts(objects, away), [
    `b spec.hosts[0]: Host ${FULL} belongs to VirtualService default/a, which takes precedence; this one is not used for it.`,
  ]);
});

test('what is not used says nothing of its destinations, and two that decide are both named', () => {
  const objects = [
    rules('a', [only({ port: 9000 }, 'x')]),
    rules('b', [only({ port: 8000 }, 'y')]),
    rules('c', [to('nope')]),
  ];
  assert.deepEqual(
    codes(compile([...twoPorts, ...objects])).filter((code) => code.startsWith('destination')),
    [],
  );
  assert.deepEqual(conflicts(objects), [
    `c spec.hosts[0]: Host ${FULL} belongs to VirtualServices default/a and default/b, which take precedence; this one is not used for it.`,
  ]);
});

test('a wildcard is not fallen back on: the exact host belongs to its VirtualServices', () => {
  const objects = [rules('a', [only({ port: 9000 }, 'x')]), routeTo('w', ['*.svc.cluster.local'], 'y')];
  assert.deepEqual(decided(objects)[0], [8000, 'none', 'backend']);
  // Of two with the same wildcard only the first is known, if it is for any Service.
  const wild = ['a', 'b'].map((name, index) =>
    virtualService(name, { hosts: ['*.svc.cluster.local'], http: [only({ port: [9000, 8000][index] }, 'x')] }),
  );
  assert.deepEqual(decided(wild)[0], [8000, 'none', 'backend']);
  assert.equal(conflicts(wild).length, 1);
});

test('hosts that are no Services are split alike', () => {
  const split = [
    virtualService('a', { hosts: ['*.example'], http: [only({ port: 9000 }, 'x')] }),
    virtualService('b', { hosts: ['*.example'], http: [to('y')] }, { namespace: 'default' }),
  ];
  const snapshot = compile([...twoPorts, ...split]);
  const nameOf = (port: number): string | undefined =>
    snapshot.virtualHosts.get(`*.example:${port}`)?.virtualService?.name;
  assert.deepEqual([nameOf(0), nameOf(9000)], ['b', 'a']);
});

test('gateways join the rules of all, those that take every call last', () => {
  const spec = { gateways: ['gw'] };
  const objects = [
    rules('a', [{ match: [{ uri: { regex: '.*' } }], rewrite: { uri: '/n' }, ...to('x') }], spec),
    rules('b', [only({ uri: { prefix: '/b' } }, 'y')], spec),
  ];
  const snapshot = compile([...twoPorts, ...objects], createCompiler({ gateways: ['default/gw'] }));
  const routes = snapshot.virtualHosts.get(`${FULL}:8000`)?.routes ?? [];
  assert.deepEqual(
    routes.map(({ virtualService: one }) => one?.name),
    ['b', 'a'],
  );
});

const MATCHED: readonly [string, string, boolean][] = [
  ['*-x.bar.com', 'a-x.bar.com', true],
  ['*-x.bar.com', '-x.bar.com', false],
  ['*-x.bar.com', 'x.bar.com', false],
  ['*-x.bar.com', 'a.b-x.bar.com', true],
  ['*foo.com', 'barfoo.com', true],
  ['*foo.com', 'foo.com', false],
  ['host.example.', 'host.example', true],
  ['host.example.', 'host.example.', true],
  ['10.1.2.3', '10.1.2.3', true],
  ['FD00:0::7', '[fd00::7]:80', true],
];

test('a wildcard may begin inside a label, and stands for something', () => {
  for (const [host, authority, holds] of MATCHED) {
    const snapshot = compile([...twoPorts, routeTo('v', [host], 'x')]);
    const table = createRouteTable(snapshot, { namespace: 'default', listenPort: 80 });
    assert.equal(
      table.findVirtualHost(authority)?.virtualService?.name,
      holds ? 'v' : undefined,
      `${host} ${authority}`,
    );
  }
});

test('such wildcards are for Services too, and a dot at the end changes nothing', () => {
  for (const host of ['*end.default.svc.cluster.local', `${FULL}.`]) {
    assert.equal(decided([routeTo('v', [host], 'x')])[0]?.[1], 'v', host);
  }
  assert.equal(decided([routeTo('v', [`*${FULL}`], 'x')])[0]?.[1], 'none');
  const snapshot = compile([...backend, destinationRule('d', { host: `${FULL}.` })]);
  assert.equal(snapshot.clusters.get(`outbound|8000||${FULL}`)?.destinationRule?.name, 'd');
});

const ALIASES: readonly [string, string, string | undefined][] = [
  ['backend', `outbound|8000||${FULL}`, undefined],
  ['x.example', 'outbound|8000||alias.default.svc.cluster.local', 'destination-unknown-host v'],
  ['alias', 'outbound|8000||alias.default.svc.cluster.local', 'destination-unknown-host v'],
  ['second', `outbound|8000||${FULL}`, undefined],
];

test('a destination that is an alias is the Service that it leads to', () => {
  const full = (name: string): string => (name.includes('.') ? name : `${name}.default.svc.cluster.local`);
  const alias = (name: string, target: string): object =>
    service(name, { type: 'ExternalName', externalName: full(target), ports: undefined });
  for (const [target, cluster, finding] of ALIASES) {
    const objects = [
      ...backend,
      alias('alias', target),
      alias('second', 'backend'),
      service('own'),
      slice('own', ['q']),
    ];
    const before = codes(compile(objects));
    const snapshot = compile([...objects, virtualService('v', { hosts: ['own'], http: [to('alias')] })]);
    const [route] = snapshot.virtualHosts.get('own.default.svc.cluster.local:8000')?.routes ?? [];
    assert.equal(route?.destinations[0]?.cluster, cluster, target);
    assert.deepEqual(codes(snapshot).slice(before.length), finding === undefined ? [] : [finding], target);
  }
});
