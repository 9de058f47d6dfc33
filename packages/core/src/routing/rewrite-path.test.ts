import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rewrite, RouteMatch, TextMatch } from '../model/index.ts';
import { hashOfCall } from './call-hash.ts';
import { rewritePath } from './rewrite-path.ts';

const BARE = { headers: [], withoutHeaders: [], queryParameters: [] };

const REWRITES: readonly [Rewrite, TextMatch | undefined, string, string][] = [
  [{ path: { kind: 'prefix', text: '/new.S' } }, { kind: 'prefix', text: '/old.S' }, '/old.S/Say', '/new.S/Say'],
  [{ path: { kind: 'prefix', text: '/new.S/Do' } }, { kind: 'exact', text: '/old.S/Say' }, '/old.S/Say', '/new.S/Do'],
  [{ path: { kind: 'prefix', text: '/v2/' } }, undefined, '/old.S/Say', '/v2/old.S/Say'],
  [{ path: { kind: 'prefix', text: '/' } }, { kind: 'prefix', text: '/v1' }, '/v1/a.S/Say?x=1', '/a.S/Say?x=1'],
  [{ path: { kind: 'regex', pattern: '^/v[0-9]+/', substitution: '/' } }, undefined, '/v12/a.S/Say', '/a.S/Say'],
  [{ authority: 'x' }, undefined, '/a.S/Say', '/a.S/Say'],
];

test('a matched prefix is replaced, else the whole path, or what a pattern finds; the query stays', () => {
  for (const [rewrite, path, from, to] of REWRITES) {
    const match: RouteMatch | undefined = path && { ...BARE, path };
    assert.equal(rewritePath(from, rewrite, match), to);
  }
});

test('a call has a hash by its key, the same for the same text, and none without', () => {
  const policy = (key: Parameters<typeof hashOfCall>[0] extends infer P ? P : never): typeof key => key;
  const ring = (key: object): Parameters<typeof hashOfCall>[0] =>
    policy({ kind: 'RING_HASH', minimumRingSize: 1024, key: { kind: 'header', name: 'user', ...key } });
  const request = (headers: Readonly<Record<string, string>>) => ({
    path: '/a?user=x',
    header: (name: string) => headers[name],
  });
  const byUser = hashOfCall(ring({}), request({ user: 'x' }));
  assert.equal(typeof byUser, 'number');
  assert.equal(hashOfCall(ring({}), request({ user: 'x', other: 'y' })), byUser);
  assert.notEqual(hashOfCall(ring({}), request({ user: 'y' })), byUser);
  assert.equal(hashOfCall(ring({}), request({})), undefined);
  assert.equal(hashOfCall(ring({ kind: 'query-parameter' }), request({})), byUser);
  assert.equal(hashOfCall(ring({ kind: 'cookie' }), request({ cookie: 'a=b; user=x' })), byUser);
  assert.equal(hashOfCall(ring({ kind: 'source-address' }), request({}), 'x'), byUser);
  assert.equal(hashOfCall({ kind: 'RANDOM' }, request({ user: 'x' })), undefined);
});
