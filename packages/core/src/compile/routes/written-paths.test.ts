import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TextMatch } from '../../model/index.ts';
import { findRoute, rewritePath } from '../../routing/index.ts';
import { backend, compile, FULL, virtualService } from '../compile.test-bed.ts';

const route = [{ destination: { host: 'backend' } }];
const CALL = '/echo.Echo/Say';

/** The matches of a rule, the path that comes, and the one that goes on with `rewrite.uri: /new`. */
const CASES: readonly [readonly object[], string, string][] = [
  [[], CALL, '/newecho.Echo/Say'],
  [[{ uri: { prefix: '/' } }], CALL, '/newecho.Echo/Say'],
  [[{ uri: {} }], CALL, '/newecho.Echo/Say'],
  [[{ uri: { prefix: '' } }], CALL, `/new${CALL}`],
  [[{ uri: { regex: '.*' } }], CALL, '/new'],
  [[{ uri: { regex: '/.*' } }], `${CALL}?a=b`, '/new?a=b'],
  [[{ uri: { regex: '.*' }, headers: { k: {} } }], CALL, '/new'],
  [[{ uri: { prefix: '/echo.Echo' } }, { uri: { regex: '.*' } }], CALL, '/new/Say'],
  [[{ uri: { prefix: '/echo.Echo' } }, { uri: { regex: '.*' } }], '/other/Say', '/new'],
  [[{ uri: { prefix: '/echo.Echo' } }, { uri: { prefix: '/' } }], '/other/Say', '/newother/Say'],
];

test('a prefix that matched is replaced, and all of the path that a regular expression matched', () => {
  for (const [match, path, expected] of CASES) {
    const http = [{ match, rewrite: { uri: '/new' }, route }];
    const snapshot = compile([...backend, virtualService('v', { hosts: ['backend'], http })]);
    const host = snapshot.virtualHosts.get(`${FULL}:8000`);
    const hit = host && findRoute(host, { path, header: () => 'v' });
    assert.equal(hit?.route.virtualService?.name, 'v');
    assert.equal(rewritePath(path, hit.route.rewrite ?? {}, hit.match), expected, JSON.stringify(match));
  }
});

test('so it is of a redirect, and other rules have no such condition', () => {
  const matchesOf = (rule: object): readonly (TextMatch | undefined)[] | undefined => {
    const http = [{ match: [{ uri: { regex: '.*' } }], ...rule }];
    const host = compile([...backend, virtualService('v', { hosts: ['backend'], http })]).virtualHosts.get(
      `${FULL}:8000`,
    );
    return host?.routes[0]?.matches?.map(({ path }) => path);
  };
  assert.deepEqual(matchesOf({ redirect: { prefixRewrite: '/new' } }), [{ kind: 'regex', pattern: '.*' }]);
  assert.equal(matchesOf({ redirect: { uri: '/new' } }), undefined);
  assert.equal(matchesOf({ route }), undefined);
});
