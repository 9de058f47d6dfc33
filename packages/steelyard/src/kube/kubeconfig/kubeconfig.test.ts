import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { ClusterError } from '../cluster-error.ts';
import { loadKubeconfig } from './load-kubeconfig.ts';
import { parseKubeconfig } from './parse-kubeconfig.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n';
const DATA = Buffer.from(PEM).toString('base64');

const GOOD = `
apiVersion: v1
kind: Config
current-context: one
clusters:
- name: c
  cluster: {server: "https://10.0.0.1:6443/", certificate-authority-data: ${DATA}, tls-server-name: api}
- name: proxied
  cluster: {server: "https://10.0.0.2", proxy-url: "http://10.0.0.3"}
users:
- {name: token, user: {token: secret}}
- {name: cert, user: {client-certificate: c.pem, client-key-data: ${DATA}}}
- {name: basic, user: {username: me, password: "p:w"}}
- {name: old, user: {auth-provider: {name: gcp}}}
contexts:
- {name: one, context: {cluster: c, user: token}}
- {name: two, context: {cluster: c, user: cert}}
- {name: three, context: {cluster: c, user: basic}}
- {name: proxied, context: {cluster: proxied, user: token}}
- {name: old, context: {cluster: c, user: old}}
- {name: lost, context: {cluster: gone, user: token}}
- {name: nobody, context: {cluster: c, user: gone}}
- {name: anonymous, context: {cluster: c}}
`;

async function fileOf(t: TestContext, text: string, name = 'config'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'steelyard-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'c.pem'), PEM);
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

test('the current context, and one that is named', async (t) => {
  const file = await fileOf(t, GOOD);
  const access = await loadKubeconfig({ file }, {});
  assert.deepEqual(
    [access.server, String(access.ca), access.tlsServerName, access.insecureSkipTlsVerify],
    ['https://10.0.0.1:6443', PEM, 'api', false],
  );
  assert.deepEqual(await access.credentials.headers(), { authorization: 'Bearer secret' });
  const basic = await loadKubeconfig({ file, context: 'three' }, {});
  assert.deepEqual(await basic.credentials.headers(), { authorization: 'Basic bWU6cDp3' });
  const anonymous = await loadKubeconfig({ file, context: 'anonymous' }, {});
  assert.deepEqual(await anonymous.credentials.headers(), {});
});

test('a client certificate: a path beside the file, and data', async (t) => {
  const access = await loadKubeconfig({ file: await fileOf(t, GOOD), context: 'two' }, {});
  const { cert, key } = await access.credentials.tls();
  assert.deepEqual([String(cert), String(key)], [PEM, PEM]);
});

test('--as is said with each request', async (t) => {
  const access = await loadKubeconfig({ file: await fileOf(t, GOOD), impersonate: 'jane' }, {});
  assert.deepEqual(await access.credentials.headers(), { authorization: 'Bearer secret', 'impersonate-user': 'jane' });
});

test('several files of KUBECONFIG are one, the first holds, some may be absent', async (t) => {
  const first = await fileOf(t, 'current-context: two\nclusters: [{name: c, cluster: {server: "https://first"}}]\n');
  const second = await fileOf(t, GOOD);
  const env = { KUBECONFIG: ['/none/config', first, second].join(delimiter) };
  const access = await loadKubeconfig({}, env);
  assert.equal(access.server, 'https://first');
  assert.ok((await access.credentials.tls()).cert);
});

const REFUSED: readonly [string, string | undefined, string, RegExp][] = [
  ['a context that is not there', 'x', GOOD, /no context "x"; there is "one", "two"/],
  ['a cluster that is not there', 'lost', GOOD, /context "lost" names cluster "gone", which is not there/],
  ['a user who is not there', 'nobody', GOOD, /context "nobody" names user "gone", which is not there/],
  [
    'a proxy of another kind',
    'proxied',
    GOOD.replace('http://10.0.0.3', 'ftp://10.0.0.3'),
    /proxy-url "ftp:\/\/10\.0\.0\.3"; it must begin with http/,
  ],
  ['an old provider', 'old', GOOD, /auth-provider gcp, which is no more; use an exec plugin/],
  ['no context', undefined, 'clusters: []', /no current-context; choose one with --context NAME/],
  ['no YAML', undefined, 'a: [', /not valid YAML/],
  ['no mapping', undefined, '- a', /it is no kubeconfig/],
  ['another kind', undefined, 'kind: Pod', /kind must be Config, not "Pod"/],
  ['a number for a name', undefined, 'users: [{name: 1, user: {}}]', /users\[0\]\.name must be a string; quote it/],
  ['a list that is none', undefined, 'users: {}', /users must be a list/],
  [
    'a context without a cluster',
    'x',
    'contexts: [{name: x, context: {}}]',
    /contexts\[0\]\.context\.cluster is missing/,
  ],
];
/** Entries that are wrong. They are refused where the chosen context names them, and nobody minds them elsewhere. */
const BAD_CLUSTERS: readonly [string, string, RegExp][] = [
  ['no server', '{}', /clusters\[1\]\.cluster\.server is missing; add it/],
  ['a bad server', '{server: x}', /clusters\[1\]\.cluster\.server must be an address like https:/],
  [
    'data that is no PEM',
    '{server: "https://x", certificate-authority-data: eA==}',
    /clusters\[1\]\.cluster\.certificate-authority-data must be PEM in base64/,
  ],
  ['a text for a flag', '{server: "https://x", insecure-skip-tls-verify: "no"}', /tls-verify must be true or false/],
  ['nothing', '', /clusters\[1\]\.cluster is missing; add it/],
];
const BAD_USERS: readonly [string, string, RegExp][] = [
  ['half of a pair', '{client-key: k}', /users\[1\]\.user\.client-certificate is missing/],
  ['a number for a text', '{token: 1}', /users\[1\]\.user\.token must be a string; quote it/],
  [
    'a plugin of an old version',
    '{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}}',
    /users\[1\]\.user\.exec\.apiVersion must be one of client\.auth/,
  ],
  [
    'a plugin that must ask somebody',
    '{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Always}}',
    /interactiveMode is Always/,
  ],
  ['a text for a mapping', 'me', /users\[1\]\.user must be a mapping/],
];

function withBad(cluster: string, user: string): string {
  return `
current-context: well
clusters:
- {name: good, cluster: {server: "https://good"}}
- {name: bad, cluster: ${cluster}}
users:
- {name: good, user: {token: secret}}
- {name: bad, user: ${user}}
contexts:
- {name: well, context: {cluster: good, user: good}}
- {name: chosen, context: {cluster: bad, user: bad}}
- {name: broken, context: 1}
`;
}

const GOOD_CLUSTER = '{server: "https://x"}';
const BAD_ENTRIES = [
  ...BAD_CLUSTERS.map(([what, cluster, message]) => ({ what, text: withBad(cluster, '{}'), message })),
  ...BAD_USERS.map(([what, user, message]) => ({ what, text: withBad(GOOD_CLUSTER, user), message })),
];
for (const { what, text } of BAD_ENTRIES) {
  test(`${what} in an entry of another context is nobody's business`, async (t) => {
    const access = await loadKubeconfig({ file: await fileOf(t, text) }, {});
    assert.equal(access.server, 'https://good');
  });
}

test('of several files the one is named that has the bad entry', async (t) => {
  const first = await fileOf(t, 'current-context: chosen\n');
  const second = await fileOf(t, withBad('{}', '{}'));
  await assert.rejects(loadKubeconfig({}, { KUBECONFIG: [first, second].join(delimiter) }), (error) => {
    assert.ok(error instanceof ClusterError);
    assert.equal(error.message, `${second}: clusters[1].cluster.server is missing; add it`);
    return true;
  });
});

const CHOSEN = BAD_ENTRIES.map(({ what, text, message }) => [what, 'chosen', text, message] as const);
for (const [what, context, text, message] of [...REFUSED, ...CHOSEN]) {
  test(`refuses ${what} and says where`, async (t) => {
    const file = await fileOf(t, text);
    const loading = loadKubeconfig({ file, ...(context !== undefined && { context }) }, {});
    await assert.rejects(loading, (error) => {
      assert.ok(error instanceof ClusterError);
      assert.equal(error.code, 'KUBECONFIG_INVALID');
      assert.ok(error.message.startsWith(`${file}: `), error.message);
      assert.match(error.message, message);
      assert.ok(!error.message.includes('\n'));
      return true;
    });
  });
}

test('a file that is not there', async () => {
  await assert.rejects(loadKubeconfig({ file: '/none/config' }, {}), { code: 'KUBECONFIG_NOT_FOUND' });
});

test('whatever is in the file, it is read or refused', () => {
  const values = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constant(GOOD).chain((text) => fc.nat(text.length).map((end) => text.slice(0, end))),
  );
  fc.assert(
    fc.property(values, (text) => {
      try {
        const { contexts, clusters, users } = parseKubeconfig('/f', text);
        for (const read of [...contexts.values(), ...clusters.values(), ...users.values()]) read();
      } catch (error) {
        assert.ok(error instanceof ClusterError, String(error));
      }
    }),
    { seed: 3, numRuns: 500 },
  );
});
