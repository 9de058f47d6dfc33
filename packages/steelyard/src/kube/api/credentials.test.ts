import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type ExecPlugin, execCredentials } from './exec-credentials.ts';
import { loadInCluster } from './in-cluster.ts';
import { tokenFileCredentials } from './token-file.ts';

async function folderOf(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'steelyard-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

test('a token file is read again after a minute, and at once when its token was refused', async (t) => {
  const file = join(await folderOf(t, { token: 'one\n' }), 'token');
  let now = 0;
  const credentials = tokenFileCredentials(file, () => now);
  const token = async (): Promise<string | undefined> => (await credentials.headers())['authorization'];
  assert.equal(await token(), 'Bearer one');
  await writeFile(file, 'two');
  now = 59_000;
  assert.equal(await token(), 'Bearer one');
  now = 61_000;
  assert.equal(await token(), 'Bearer two');
  await writeFile(file, 'three');
  credentials.invalidate();
  assert.equal(await token(), 'Bearer three');
  await rm(file);
  credentials.invalidate();
  assert.equal(await token(), 'Bearer three', 'the last one may still be good');
});

test('the account of a Pod', async (t) => {
  const folder = await folderOf(t, { token: 't', 'ca.crt': 'CA' });
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  const access = await loadInCluster(env, folder);
  assert.equal(access.server, 'https://[fd00::1]:443');
  assert.equal(String(access.ca), 'CA');
  assert.deepEqual(await access.credentials.headers(), { authorization: 'Bearer t' });
  await assert.rejects(loadInCluster({}, folder), { code: 'NOT_IN_CLUSTER', message: /give --kubeconfig/ });
  await rm(join(folder, 'ca.crt'));
  await assert.rejects(loadInCluster(env, folder), { code: 'NOT_IN_CLUSTER', message: /no ServiceAccount mounted/ });
});

async function pluginOf(t: TestContext, script: string): Promise<ExecPlugin> {
  const folder = await folderOf(t, { plugin: `#!/bin/sh\n${script}\n`, count: '' });
  await chmod(join(folder, 'plugin'), 0o755);
  return {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: join(folder, 'plugin'),
    args: ['a b'],
    env: { EXTRA: 'e', FOLDER: folder },
  };
}

const ANSWER = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":';

test('a plugin gives a token, is told what it needs, and is run again when the token runs out or is refused', async (t) => {
  const plugin = await pluginOf(
    t,
    `echo x >> $FOLDER/count; n=$(wc -l < $FOLDER/count); case "$KUBERNETES_EXEC_INFO" in *interactive*) ;; *) exit 3;; esac
echo '${ANSWER}{"token":"'$1$EXTRA$n'","expirationTimestamp":"2030-01-01T00:00:00Z"}}'`,
  );
  let now = Date.parse('2029-12-31T23:00:00Z');
  const credentials = execCredentials(plugin, () => now);
  const both = await Promise.all([credentials.headers(), credentials.headers()]);
  const [first, second] = both.map((headers) => headers['authorization']);
  assert.match(first ?? '', /^Bearer a be\d+$/);
  assert.equal(first, second, 'requests that come together share a run');
  assert.equal((await credentials.headers())['authorization'], first);
  now = Date.parse('2029-12-31T23:59:55Z');
  const third = (await credentials.headers())['authorization'];
  assert.notEqual(third, first);
});

const BROKEN: readonly [string, string, RegExp][] = [
  ['fails', 'echo "no session, log in" >&2; exit 1', /plugin \S+ failed: no session, log in$/],
  ['prints no JSON', 'echo hello', /printed no JSON$/],
  ['answers in another version', `echo '{"apiVersion":"x","status":{"token":"t"}}'`, /apiVersion "x", not client/],
  ['gives nothing', `echo '${ANSWER}{}}'`, /neither a token nor a client certificate$/],
  ['gives half of a pair', `echo '${ANSWER}{"clientKeyData":"k"}}'`, /one of a client certificate and its key only$/],
  ['gives a bad time', `echo '${ANSWER}{"token":"t","expirationTimestamp":"soon"}}'`, /is no time: "soon"$/],
];
for (const [what, script, message] of BROKEN) {
  test(`a plugin that ${what}`, async (t) => {
    const credentials = execCredentials(await pluginOf(t, script), Date.now);
    await assert.rejects(credentials.headers(), { name: 'ClusterError', code: 'CREDENTIALS_FAILED', message });
  });
}

test('a plugin that is not there: its hint is the help', async () => {
  const plugin = { apiVersion: 'v', command: 'no-such-plugin', args: [], env: {}, installHint: 'get it\nfrom us' };
  const message = 'credential plugin no-such-plugin is not there: get it from us';
  await assert.rejects(execCredentials(plugin, Date.now).headers(), { code: 'CREDENTIALS_FAILED', message });
});
