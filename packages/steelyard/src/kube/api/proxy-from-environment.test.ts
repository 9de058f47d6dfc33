import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { proxyFromEnvironment } from './proxy-from-environment.ts';

const PROXY = 'http://proxy:3128';

const CASES: readonly [server: string, exempt: string | undefined, proxied: boolean][] = [
  ['https://10.0.0.1:6443', undefined, true],
  ['https://api.example.com', '', true],
  ['http://10.0.0.1', undefined, false],
  ['https://127.0.0.1:6443', undefined, false],
  ['https://localhost:6443', undefined, false],
  ['https://[::1]:6443', undefined, false],
  ['https://api.example.com', '*', false],
  ['https://api.example.com', 'other.com, example.com', false],
  ['https://example.com', 'example.com', false],
  ['https://example.com', '.example.com', true],
  ['https://api.example.com', '*.example.com', false],
  ['https://badexample.com', 'example.com', true],
  ['https://API.example.com', 'api.EXAMPLE.com', false],
  ['https://api.example.com:6443', 'api.example.com:6443', false],
  ['https://api.example.com', 'api.example.com:6443', true],
  ['https://api.example.com', 'api.example.com:443', false],
  ['https://10.1.2.3', '10.0.0.0/8', false],
  ['https://11.1.2.3', '10.0.0.0/8', true],
  ['https://10.1.2.3', '10.1.2.3', false],
  ['https://10.1.2.3', '2.3', true],
  ['https://[fd00::1]', 'fd00::/16', false],
  ['https://[fd00::1]', 'fd00::1', false],
  ['https://[fd00::1]:6443', '[fd00::1]:6443', false],
  ['https://10.1.2.3', '10.0.0.0/99,x/8,/', true],
];

for (const [server, exempt, proxied] of CASES) {
  test(`${server} with NO_PROXY ${exempt ?? 'unset'} goes ${proxied ? 'by way of the proxy' : 'directly'}`, () => {
    const env = { HTTPS_PROXY: PROXY, ...(exempt !== undefined && { NO_PROXY: exempt }) };
    assert.equal(proxyFromEnvironment(server, env)?.host, proxied ? 'proxy:3128' : undefined);
  });
}

test('the variable in small letters, without a scheme, of another kind, or not there', () => {
  const of = (env: Readonly<Record<string, string>>): string | undefined =>
    proxyFromEnvironment('https://api', env)?.href;
  assert.equal(of({ https_proxy: 'proxy:3128' }), 'http://proxy:3128/');
  assert.equal(of({ HTTPS_PROXY: 'socks5://proxy' }), 'socks5://proxy');
  assert.equal(of({ HTTPS_PROXY: 'ftp://proxy' }), undefined);
  assert.equal(of({ HTTPS_PROXY: '::' }), undefined);
  assert.equal(of({}), undefined);
});

test('whatever the environment says, there is a result', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (HTTPS_PROXY, NO_PROXY) => {
      proxyFromEnvironment('https://api.example.com:6443', { HTTPS_PROXY, NO_PROXY });
    }),
  );
});
