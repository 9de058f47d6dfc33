import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selectRoute } from '../../routing/index.ts';
import { backend, codes, compile, FULL, service, slice, targets, virtualService } from '../compile.test-bed.ts';
import { type CompilerOptions, createCompiler } from '../compiler.ts';

const to = (host: string): object => ({ route: [{ destination: { host } }] });
const HOST = `${FULL}:8000`;

/** Where a call with this path and these headers goes, by the name of the Service. */
function destinationOf(
  http: readonly object[],
  path: string,
  options: CompilerOptions = {},
  others: readonly object[] = [],
): string | undefined {
  const all = [...backend, ...targets, virtualService('v', { hosts: ['backend'], http }), ...others];
  const host = compile(all, createCompiler(options)).virtualHosts.get(HOST);
  const route = host && selectRoute(host, { path, method: 'POST', header: () => undefined });
  return route?.destinations[0]?.cluster.split('|')[3]?.split('.')[0];
}

const say = { uri: { prefix: '/echo.Echo/' } };

test('rules are tried in order, and a call that none takes has no route', () => {
  const http = [
    { match: [{ uri: { exact: '/echo.Echo/Say' } }], ...to('x') },
    { match: [say], ...to('y') },
  ];
  assert.equal(destinationOf(http, '/echo.Echo/Say'), 'x');
  assert.equal(destinationOf(http, '/echo.Echo/Other'), 'y');
  assert.equal(destinationOf(http, '/other'), undefined);
  assert.equal(destinationOf([...http, to('backend')], '/other'), 'backend');
});

const STATIC: readonly [object, CompilerOptions, boolean][] = [
  [{ port: 8000 }, {}, true],
  [{ port: 8001 }, {}, false],
  [{ sourceNamespace: 'default' }, {}, true],
  [{ sourceNamespace: 'away' }, {}, false],
  [{ sourceLabels: { app: 'web' } }, {}, false],
  [{ sourceLabels: { app: 'web' } }, { clientLabels: { app: 'web', v: '1' } }, true],
  [{ gateways: ['mesh'] }, {}, true],
  [{ gateways: ['gw'] }, {}, false],
  [{ gateways: ['mesh'], sourceNamespace: 'away' }, {}, true],
];

test('a match for others is not there, and the last of a VirtualService leaves the default route', () => {
  for (const [match, options, meant] of STATIC) {
    const first = { match: [match], ...to('x') };
    assert.equal(destinationOf([first, to('y')], '/a', options), meant ? 'x' : 'y', JSON.stringify(match));
    assert.equal(destinationOf([first], '/a', options), meant ? 'x' : 'backend', JSON.stringify(match));
  }
});

test('a proxy that is a gateway has the rules of that gateway', () => {
  const spec = { hosts: ['backend'], gateways: ['gw'], http: [to('x')] };
  const objects = [...backend, ...targets, virtualService('v', spec)];
  const at = (gateways: readonly string[]): string | undefined =>
    compile(objects, createCompiler({ gateways })).virtualHosts.get(HOST)?.virtualService?.name;
  assert.equal(at(['default/gw']), 'v');
  assert.equal(at(['other/gw']), undefined);
});

const child = (http: readonly object[], spec: object = {}, metadata: object = {}): object =>
  virtualService('child', { http, ...spec }, metadata);
const delegating = (match?: readonly object[]): object => ({ ...(match && { match }), delegate: { name: 'child' } });

const DELEGATES: readonly [string, readonly object[], readonly object[], string, string | undefined][] = [
  ['all of it', [delegating()], [to('x')], '/a', 'x'],
  ['the root narrows', [delegating([say]), to('y')], [to('x')], '/a', 'y'],
  [
    'prefix within prefix',
    [delegating([say]), to('y')],
    [{ match: [{ uri: { prefix: '/echo.Echo/S' } }], ...to('x') }],
    '/echo.Echo/Say',
    'x',
  ],
  [
    'exact within prefix',
    [delegating([say]), to('y')],
    [{ match: [{ uri: { exact: '/echo.Echo/Say' } }], ...to('x') }],
    '/echo.Echo/Say',
    'x',
  ],
  [
    'outside of the prefix',
    [delegating([say]), to('y')],
    [{ match: [{ uri: { prefix: '/other' } }], ...to('x') }],
    '/other',
    'y',
  ],
  [
    'a pattern is a conflict',
    [delegating([say]), to('y')],
    [{ match: [{ uri: { regex: '/echo.*' } }], ...to('x') }],
    '/echo.Echo/Say',
    'y',
  ],
  ['another property', [delegating([say]), to('y')], [{ match: [{ port: 8000 }], ...to('x') }], '/echo.Echo/Say', 'x'],
];

test('a delegate takes what its root gives it, and no more', () => {
  for (const [why, http, rules, path, expected] of DELEGATES) {
    assert.equal(destinationOf(http, path, {}, [child(rules)]), expected, why);
  }
});

test('a delegate that is not there, has hosts or is not exported is an error, and the rule has no route', () => {
  const root = virtualService('v', { hosts: ['backend'], http: [{ delegate: { name: 'child', namespace: 'away' } }] });
  const away = { namespace: 'away' };
  const cases: readonly object[][] = [
    [],
    [child([to('x')], { hosts: ['other'] }, away), service('other', {}, 'away'), slice('other', ['q'], 'away')],
    [child([to('x')], { exportTo: ['.'] }, away)],
  ];
  for (const objects of cases) {
    const snapshot = compile([...backend, ...targets, root, ...objects]);
    assert.ok(codes(snapshot).includes('delegate-unknown v'), codes(snapshot).join());
    // As in Istio, an object that has no route left leaves the Service its default one.
    assert.deepEqual(snapshot.virtualHosts.get(HOST)?.virtualService, undefined);
  }
});

test('a delegate’s short names are of its own namespace, and the root fills in what it leaves open', () => {
  const root = virtualService('v', {
    hosts: ['backend'],
    http: [{ name: 'r', timeout: '5s', rewrite: { uri: '/x' }, delegate: { name: 'child', namespace: 'away' } }],
  });
  const rules = child([{ name: 'c', rewrite: { uri: '/y' }, ...to('x') }], {}, { namespace: 'away' });
  const snapshot = compile([...backend, root, rules, service('x', {}, 'away'), slice('x', ['q'], 'away')]);
  const route = snapshot.virtualHosts.get(HOST)?.routes[0];
  assert.equal(route?.destinations[0]?.cluster, 'outbound|8000||x.away.svc.cluster.local');
  assert.deepEqual(
    [route?.name, route?.timeoutMs, route?.rewrite?.path],
    ['r-c', 5000, { kind: 'prefix', text: '/y' }],
  );
  assert.equal(route?.virtualService?.name, 'child');
});
