import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import type { Route, RouteMatch, TextMatch, VirtualHost } from '../model/index.ts';
import type { RouteRequest } from './route-request.ts';
import { findRoute, selectRoute } from './select-route.ts';

const BARE = { headers: [], withoutHeaders: [], queryParameters: [] };
const exact = (text: string): TextMatch => ({ kind: 'exact', text });
const prefix = (text: string): TextMatch => ({ kind: 'prefix', text });
const regex = (pattern: string): TextMatch => ({ kind: 'regex', pattern });
const present: TextMatch = { kind: 'present' };

function route(name: string, ...matches: readonly Partial<RouteMatch>[]): Route {
  const destinations = [{ cluster: name, weight: 1 }];
  const all = matches.map((match) => ({ ...BARE, ...match }));
  return { name, destinations, totalWeight: 1, ...(all.length > 0 && { matches: all }) };
}

function hostOf(...routes: readonly Route[]): VirtualHost {
  return { name: 'h:1', host: 'h', port: 1, namespace: 'n', routes };
}

function call(path: string, headers: Readonly<Record<string, string>> = {}): RouteRequest {
  return { path, method: 'POST', scheme: 'http', authority: 'h:1', header: (name) => headers[name] };
}

const CASES: readonly [Partial<RouteMatch>, RouteRequest, boolean][] = [
  [{ path: exact('/e.E/Say') }, call('/e.E/Say'), true],
  [{ path: exact('/e.E/Say') }, call('/e.E/Say?a=b'), true],
  [{ path: exact('/e.E/say') }, call('/e.E/Say'), false],
  [{ path: exact('/e.E/say'), ignoreCase: true }, call('/e.E/Say'), true],
  [{ path: prefix('/e.E') }, call('/e.Echo/Say'), true],
  [{ path: prefix('/E.e'), ignoreCase: true }, call('/e.Echo/Say'), true],
  [{ path: prefix('/f') }, call('/e.Echo/Say'), false],
  [{ path: regex('/e\\..*') }, call('/e.Echo/Say'), true],
  [{ path: regex('/e\\.') }, call('/e.Echo/Say'), false],
  [{ method: exact('POST') }, call('/'), true],
  [{ method: exact('GET') }, call('/'), false],
  [{ scheme: exact('https') }, call('/'), false],
  [{ authority: prefix('h') }, call('/'), true],
  [{ authority: exact('h') }, call('/'), false],
  [{ headers: [{ name: 'user', match: exact('jason') }] }, call('/', { user: 'jason' }), true],
  [{ headers: [{ name: 'user', match: exact('jason') }] }, call('/', { user: 'jim' }), false],
  [{ headers: [{ name: 'user', match: exact('jason') }] }, call('/'), false],
  [{ headers: [{ name: 'user', match: present }] }, call('/', { user: '' }), true],
  [{ headers: [{ name: 'user', match: present }] }, call('/'), false],
  [{ headers: [{ name: 'user', match: regex('.*son') }] }, call('/', { user: 'jason' }), true],
  [{ withoutHeaders: [{ name: 'beta', match: present }] }, call('/'), true],
  [{ withoutHeaders: [{ name: 'beta', match: present }] }, call('/', { beta: '' }), false],
  [{ withoutHeaders: [{ name: 'beta', match: exact('1') }] }, call('/'), true],
  [{ withoutHeaders: [{ name: 'beta', match: exact('1') }] }, call('/', { beta: '1' }), false],
  [{ withoutHeaders: [{ name: 'beta', match: exact('1') }] }, call('/', { beta: '2' }), true],
  [{ withoutHeaders: [{ name: 'beta', match: regex('1?') }] }, call('/'), false],
  [{ queryParameters: [{ name: 'q', match: exact('a b') }] }, call('/x?p=1&q=a%20b'), true],
  [{ queryParameters: [{ name: 'q', match: present }] }, call('/x?q'), true],
  [{ queryParameters: [{ name: 'q', match: present }] }, call('/x'), false],
  [{ path: prefix('/e'), headers: [{ name: 'a', match: exact('1') }] }, call('/e', { a: '2' }), false],
];

test('a rule takes a call when all its conditions hold', () => {
  for (const [match, request, expected] of CASES) {
    const host = hostOf(route('r', match), route('rest'));
    assert.equal(selectRoute(host, request)?.name, expected ? 'r' : 'rest', JSON.stringify([match, request.path]));
  }
});

test('one alternative is enough, the first rule wins, and none is no route', () => {
  const host = hostOf(
    route('a', { path: exact('/x') }, { headers: [{ name: 'a', match: present }] }),
    route('b', { path: prefix('/'), headers: [{ name: 'b', match: present }] }),
  );
  assert.equal(selectRoute(host, call('/x'))?.name, 'a');
  assert.equal(selectRoute(host, call('/y', { a: '', b: '' }))?.name, 'a');
  assert.equal(selectRoute(host, call('/y', { b: '' }))?.name, 'b');
  assert.equal(selectRoute(host, call('/y')), undefined);
  assert.equal(findRoute(host, call('/x'))?.match?.path, host.routes[0]?.matches?.[0]?.path);
});

test('the first route that takes every call needs nothing of the request', () => {
  const host = hostOf(route('all'), route('b'));
  const deaf: RouteRequest = {
    get path(): string {
      return assert.fail('asked');
    },
  };
  assert.equal(selectRoute(host, deaf)?.name, 'all');
});

test('a call asks for no header that no rule of its path is about', () => {
  const host = hostOf(route('a', { path: exact('/x'), headers: [{ name: 'a', match: present }] }), route('b'));
  const asked: string[] = [];
  const request = { path: '/y', header: (name: string) => void asked.push(name) };
  assert.equal(selectRoute(host, request)?.name, 'b');
  assert.deepEqual(asked, []);
});

test('whatever the rules, the index finds what trying them in order finds', () => {
  const texts = ['/a', '/a/b', '/b', '/b/c', '/A'];
  const paths = fc.oneof(
    fc.constantFrom(...texts).map(exact),
    fc.constantFrom('/', ...texts).map(prefix),
    fc.constantFrom('/a.*', '.*c', '/[ab]').map(regex),
  );
  const header = fc.constantFrom('1', '2').map((text) => [{ name: 'h', match: exact(text) }]);
  const matches = fc.record(
    { path: paths, headers: header, ignoreCase: fc.constant(true as const) },
    { requiredKeys: [] },
  );
  const routes = fc.array(fc.array(matches, { minLength: 1, maxLength: 3 }), { maxLength: 8 });
  fc.assert(
    fc.property(routes, fc.constantFrom(...texts, '/b/c?x=1'), fc.constantFrom('1', '2', '3'), (all, path, h) => {
      const list = all.map((each, index) => route(`r${index}`, ...each));
      const request = call(path, { h });
      const inOrder = list.find((one) => selectRoute(hostOf(one), request) !== undefined);
      const host = hostOf(...list);
      assert.equal(selectRoute(host, request), inOrder);
      assert.equal(selectRoute(host, request), inOrder, 'remembered');
    }),
    { seed: 3, numRuns: 500 },
  );
});
