import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { TargetError } from '../targets/target-error.ts';
import { createApiClient } from './api-client.ts';
import { loadCredentials } from './credentials.ts';
import type { ExecPlugin } from './exec-plugin.ts';
import { createExecPlugin } from './exec-plugin.ts';

const VERSION = 'client.authentication.k8s.io/v1';
const folder = mkdtempSync(join(tmpdir(), 'steelyard-exec-'));
const path = join(folder, 'config');
after(() => rmSync(folder, { recursive: true }));

/** A command that appends what it was told to a log, and prints what the test says. */
function script(name: string, body: string): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\necho "$1 $WHO $KUBERNETES_EXEC_INFO" >> "${file}.log"\n${body}\n`);
  chmodSync(file, 0o755);
  return `./${name}`;
}
const logOf = (name: string): string[] =>
  readFileSync(join(folder, `${name}.log`), 'utf8')
    .trim()
    .split('\n');
const printing = (status: object): string => `echo '${JSON.stringify({ kind: 'ExecCredential', status })}'`;
const plugin = (command: string, more: object = {}): ExecPlugin =>
  createExecPlugin({ apiVersion: VERSION, command, ...more }, path, { server: 'https://there' });

suite('exec plugins of a kubeconfig', () => {
  test('is told its arguments, its variables and the cluster; runs once while its word holds', async () => {
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    const command = script('good', printing({ token: 'T', expirationTimestamp: soon }));
    const more = { args: ['get-token'], env: [{ name: 'WHO', value: 'me' }], provideClusterInfo: true };
    const good = plugin(command, more);
    const both = await Promise.all([good.credential(), good.credential()]);
    assert.deepEqual([...both, await good.credential()], [{ token: 'T' }, { token: 'T' }, { token: 'T' }]);
    const info = `{"apiVersion":"${VERSION}","kind":"ExecCredential","spec":{"interactive":false,"cluster":{"server":"https://there"}}}`;
    assert.deepEqual(logOf('good'), [`get-token me ${info}`]);
    good.forget();
    await good.credential();
    assert.equal(logOf('good').length, 2);
  });

  test('what has run out, or is about to, is asked for anew', async () => {
    const soon = new Date(Date.now() + 5000).toISOString();
    const short = plugin(script('short', printing({ token: 'T', expirationTimestamp: soon })));
    await short.credential();
    await short.credential();
    assert.equal(logOf('short').length, 2);
  });

  test('a certificate with its key', async () => {
    const command = script('cert', printing({ clientCertificateData: 'C', clientKeyData: 'K' }));
    assert.deepEqual(await plugin(command).credential(), { cert: 'C', key: 'K' });
  });

  const failing: readonly { name: string; body: string; message: RegExp }[] = [
    {
      name: 'fails',
      body: 'echo "log in first" >&2; exit 3',
      message: /has failed with 3: log in first \(see the manual\)$/,
    },
    { name: 'text', body: 'echo token', message: /has printed no JSON/ },
    { name: 'nothing', body: printing({}), message: /neither a token nor a certificate/ },
    { name: 'half', body: printing({ clientCertificateData: 'C' }), message: /a certificate without its key/ },
    { name: 'when', body: printing({ token: 'T', expirationTimestamp: 'later' }), message: /later, which is no time/ },
  ];
  for (const { name, body, message } of failing) {
    test(`${name}: says so`, async () => {
      const bad = plugin(script(name, body), { installHint: 'see the manual' });
      await assert.rejects(bad.credential(), (error: unknown) => {
        assert.ok(error instanceof TargetError);
        assert.match(error.message, message);
        assert.ok(error.message.startsWith(`the exec plugin ./${name} of ${path} `));
        return true;
      });
    });
  }

  test('not installed: the hint says what to do', async () => {
    const none = plugin('steelyard-has-no-such-plugin', { installHint: 'install it' });
    await assert.rejects(none.credential(), { message: /is not installed \(install it\)$/ });
  });

  const refused: readonly { config: object; message: RegExp }[] = [
    { config: { apiVersion: VERSION }, message: /exec has no command/ },
    { config: { command: 'x', apiVersion: 'client.authentication.k8s.io/v1alpha1' }, message: /v1alpha1; it must be/ },
    { config: { command: 'x', apiVersion: VERSION, interactiveMode: 'Always' }, message: /wants a terminal/ },
  ];
  for (const { config, message } of refused) {
    test(`${JSON.stringify(config)} is refused`, () => {
      assert.throws(() => createExecPlugin(config, path, {}), { name: 'TargetError', message });
    });
  }

  test('a kubeconfig as the cloud tools write it; after a 401 the plugin is run again', async () => {
    const authorizations: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      authorizations.push(request.headers.authorization);
      response.statusCode = authorizations.length === 1 ? 401 : 200;
      response.end('{"ok":true}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const count = `n=$(wc -l < "${folder}/cloud.log"); echo '{"status":{"token":"T'$n'"}}'`;
    script('cloud', count);
    writeFileSync(
      path,
      `apiVersion: v1
clusters:
- cluster:
    server: http://127.0.0.1:${address.port}
  name: gke
contexts:
- context:
    cluster: gke
    user: gke
  name: gke
current-context: gke
users:
- name: gke
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args: null
      command: ./cloud
      env: null
      installHint: Install the plugin for use with kubectl by following
        https://cloud.example/docs
      interactiveMode: IfAvailable
      provideClusterInfo: true
`,
    );
    const client = createApiClient(loadCredentials({ KUBECONFIG: path }));
    const { signal } = new AbortController();
    await assert.rejects(client.get('/x', signal), { status: 401 });
    assert.deepEqual(await client.get('/x', signal), { ok: true });
    assert.deepEqual(await client.get('/x', signal), { ok: true });
    assert.deepEqual(authorizations, ['Bearer T1', 'Bearer T2', 'Bearer T2']);
    assert.match(logOf('cloud')[0] ?? '', /"cluster":\{"server":"http:\/\/127/);
    server.closeAllConnections();
    server.close();
  });
});
