import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteAnswer } from '../model/index.ts';
import { redirectTarget } from './redirect-target.ts';

type Redirect = Omit<Extract<RouteAnswer, { readonly kind: 'redirect' }>, 'kind' | 'status'>;

const SAY = '/echo.Echo/Say';
const PREFIX = {
  path: { kind: 'prefix', text: '/echo.' },
  headers: [],
  withoutHeaders: [],
  queryParameters: [],
} as const;

const CASES: readonly (readonly [string, Redirect, { authority?: string; scheme?: string; path?: string }, string])[] =
  [
    ['the port of the rule takes the place of the authority’s', { port: 9000 }, {}, `http://a:9000${SAY}`],
    ['… where that is an address', { port: 9000 }, { authority: '[::1]:8000' }, `http://[::1]:9000${SAY}`],
    ['… which needs brackets then', { port: 9000 }, { authority: '::1' }, `http://[::1]:9000${SAY}`],
    ['… of the rule, too', { authority: 'b:7000', port: 9000 }, {}, `http://b:9000${SAY}`],
    ['what the rule leaves open stays', { uri: '/x' }, {}, 'http://a:8000/x'],
    ['another authority brings its own port', { authority: 'b:7000' }, {}, `http://b:7000${SAY}`],
    ['… or none', { authority: 'b' }, {}, `http://b${SAY}`],
    ['the port of the request', { authority: 'b', port: 'from-request' }, {}, `http://b:8000${SAY}`],
    ['… that it came to', { authority: 'b', port: 'from-request' }, { authority: 'a' }, `http://b:8123${SAY}`],
    ['the port of the protocol', { port: 'from-protocol' }, {}, `http://a${SAY}`],
    ['80 is the default', { port: 80 }, {}, `http://a${SAY}`],
    ['… and not of https', { port: 80, scheme: 'https' }, {}, `https://a:80${SAY}`],
    ['443 is its default', { port: 443, scheme: 'https' }, {}, `https://a${SAY}`],
    ['… and not of http', { port: 443 }, {}, `http://a:443${SAY}`],
    ['the scheme is the request’s', { port: 443 }, { scheme: 'https' }, `https://a${SAY}`],
    ['the default of the scheme before goes with it', { scheme: 'https' }, { authority: 'a:80' }, `https://a${SAY}`],
    ['… and any other port stays', { scheme: 'https' }, {}, `https://a:8000${SAY}`],
    ['the prefix that matched', { prefixRewrite: '/v2.' }, {}, 'http://a:8000/v2.Echo/Say'],
    ['the query stays', { uri: '/x' }, { path: '/y?q=1' }, 'http://a:8000/x?q=1'],
    ['… but for one of the rule', { uri: '/x?r=2' }, { path: '/y?q=1' }, 'http://a:8000/x?r=2'],
    ['a path begins with a slash', { uri: 'x' }, {}, 'http://a:8000/x'],
  ];

for (const [name, redirect, request, expected] of CASES) {
  test(`a redirect: ${name}`, () => {
    const asked = { path: SAY, authority: 'a:8000', ...request };
    assert.equal(redirectTarget({ kind: 'redirect', status: 301, ...redirect }, PREFIX, asked, 8123), expected);
  });
}
