import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { TargetError } from '../targets/target-error.ts';
import { loadCredentials } from './credentials.ts';
import { parseKubeconfigText } from './parse-kubeconfig-text.ts';

const folder = mkdtempSync(join(tmpdir(), 'steelyard-credentials-'));
after(() => rmSync(folder, { recursive: true }));

/** As kubectl writes it: lists at the indentation of their key, keys in order, the name last. */
const KUBECTL = `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: Q0E=
    server: https://10.0.0.1:6443/base
  name: prod
- cluster:
    insecure-skip-tls-verify: true
    server: 'https://other:6443'
  name: "other one"
contexts:
- context:
    cluster: prod
    namespace: shop
    user: me
  name: prod
current-context: prod
kind: Config
preferences: {}
users:
# who I am
- name: me
  user:
    client-certificate-data: Q0VSVA==
    client-key-data: S0VZ
    token: "a\\tb"
`;

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

suite('kubeconfig', () => {
  test('as kubectl writes it', () => {
    const { server, ca, cert, key, token, namespace } = loadCredentials({ KUBECONFIG: write('config', KUBECTL) });
    assert.equal(server.href, 'https://10.0.0.1:6443/base');
    assert.deepEqual([ca, cert, key, token?.(), namespace], ['CA', 'CERT', 'KEY', 'a\tb', 'shop']);
  });

  test('the same as JSON', () => {
    const json = JSON.stringify(parseKubeconfigText(KUBECTL, 'x'));
    assert.deepEqual(parseKubeconfigText(json, 'x'), parseKubeconfigText(KUBECTL, 'x'));
    assert.match(json, /"insecure-skip-tls-verify":true.*"name":"other one"/);
  });

  test('a token in a file beside it is read anew each time', () => {
    write('token', 'one\n');
    const text = KUBECTL.replace('token: "a\\tb"', 'tokenFile: token');
    const { token } = loadCredentials({}, write('with-file', text));
    assert.equal(token?.(), 'one');
    write('token', 'two\n');
    assert.equal(token?.(), 'two');
  });

  const refused: readonly { name: string; text: string; message: RegExp }[] = [
    {
      name: 'anchors',
      text: 'users: &all\n- name: me',
      message: /:1: cannot be read; turn the file into JSON by "kubectl config view/,
    },
    { name: 'flow collections', text: 'users: [a, b]', message: /:1: cannot be read/ },
    { name: 'block scalars', text: 'a: |\n  b', message: /:1: cannot be read/ },
    { name: 'loose text', text: 'a: b\nwhat', message: /:2: cannot be read/ },
    { name: 'broken JSON', text: '{"a"', message: /refused: .*JSON/ },
    {
      name: 'no context',
      text: KUBECTL.replace('current-context: prod', ''),
      message: /no context is chosen; set current-context/,
    },
    {
      name: 'a missing cluster',
      text: KUBECTL.replace('cluster: prod', 'cluster: gone'),
      message: /there is no cluster gone among its clusters/,
    },
    {
      name: 'no URL',
      text: KUBECTL.replace('https://10.0.0.1:6443/base', 'here'),
      message: /the cluster's server is no URL/,
    },
    {
      name: 'a provider of old',
      text: KUBECTL.replace('token: "a\\tb"', 'auth-provider:\n      name: gcp'),
      message: /the user has auth-provider; only token/,
    },
  ];
  for (const { name, text, message } of refused) {
    test(`refuses ${name}`, () => {
      assert.throws(
        () => loadCredentials({}, write('refused', text)),
        (error: unknown) => {
          assert.ok(error instanceof TargetError);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  test('whatever the text, there is a value or a TargetError', () => {
    const line = fc
      .tuple(fc.nat({ max: 4 }), fc.stringMatching(/^[-a-c:'"{ #&]{0,8}$/))
      .map(([n, text]) => ' '.repeat(n) + text);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        try {
          parseKubeconfigText(lines.join('\n'), 'x');
        } catch (error) {
          assert.ok(error instanceof TargetError, String(error));
        }
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});

suite('service account', () => {
  const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };

  test('of the Pod', () => {
    for (const [name, text] of [
      ['token', 'T1\n'],
      ['ca.crt', 'PEM'],
      ['namespace', 'shop'],
    ] as const)
      write(name, text);
    const { server, ca, token, namespace } = loadCredentials(environment, undefined, folder);
    assert.deepEqual([server.href, ca, token?.(), namespace], ['https://[fd00::1]:6443/', 'PEM', 'T1', 'shop']);
    write('token', 'T2');
    assert.equal(token?.(), 'T2', 'the kubelet renews it');
  });

  test('that is not mounted', () => {
    assert.throws(() => loadCredentials(environment, undefined, join(folder, 'none')), {
      message: /token: the service account has no token; set automountServiceAccountToken \(ENOENT\)/,
    });
  });
});
