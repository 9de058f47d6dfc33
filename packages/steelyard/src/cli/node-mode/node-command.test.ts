import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { suite, test } from 'node:test';
import { nodeAddresses } from './node-addresses.ts';
import { EXAMPLE, folderWith, LAUNCHER } from '../cli.test-bed.ts';
import { runHere } from '../run-here.test-bed.ts';
import { UsageError } from '../usage-error.ts';

/** Root gives up its powers first: nothing here can touch this machine's rules. */
const WITHOUT_RIGHTS =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'] : [];
const noRights =
  WITHOUT_RIGHTS[0] !== undefined && spawnSync(WITHOUT_RIGHTS[0], ['--version']).error !== undefined
    ? 'skipped: root, and no setpriv on the PATH to be less'
    : false;

function runWithoutRights(...args: readonly string[]): { readonly code: number | null; readonly stderr: string } {
  const [command = '', ...rest] = [...WITHOUT_RIGHTS, process.execPath, LAUNCHER, ...args];
  const { status, stderr } = spawnSync(command, rest, { encoding: 'utf8', timeout: 60_000 });
  return { code: status, stderr };
}

suite('steelyard node', () => {
  test('--print: what is balanced, what is left and why, and the table', async (t) => {
    const folder = await folderWith(t, {
      'web.yaml': `apiVersion: v1
kind: Service
metadata: { name: web }
spec: { clusterIP: 10.1.0.1, ports: [{ name: http, port: 80 }] }
`,
    });
    const args = ['node', '--print', '-f', EXAMPLE, '-f', folder, '--address', '127.0.0.1'];
    const text = await runHere(...args);
    assert.equal(text.code, 0, text.stderr);
    assert.match(text.stdout, /^# default\/backend:8000 is balanced: port name grpc$/m);
    assert.match(text.stdout, /^# default\/web:80 stays with kube-proxy: port name http says another protocol$/m);
    assert.match(text.stdout, /^add element inet steelyard-node ports4 \{ 10\.97\.211\.12 \. 8000 : 40001 \}$/m);
    const json = await runHere(...args, '-o', 'json');
    assert.deepEqual(JSON.parse(json.stdout), {
      addresses: { IPv4: '127.0.0.1' },
      balanced: [{ service: 'default/backend', port: 8000, because: 'port name grpc', addresses: ['10.97.211.12'] }],
      left: [{ service: 'default/web', port: 80, because: 'port name http says another protocol' }],
    });
  });

  const wrong: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [['--address', '192.0.2.77'], /--address 192\.0\.2\.77: this machine does not have the address/],
    [['--address', 'here'], /Write an IP address of this machine/],
    [['--address', '127.0.0.1', '--address', '127.0.0.2'], /There is an IPv4 address already/],
    [['--rules-timeout', '1h'], /Give 300ms to 10s/],
    [['--user', 'root'], /Write UID or UID:GID/],
    [['--user', '0'], /Write UID or UID:GID/],
    [['--print', '--cleanup'], /give one of them/],
  ];
  for (const [args, message] of wrong) {
    test(`${args.join(' ')}: one line and 2`, async () => {
      const { code, stderr } = await runHere('node', '-f', EXAMPLE, '--print', ...args);
      assert.equal(code, 2);
      assert.match(stderr, message);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    });
  }

  for (const args of [['-f', EXAMPLE, '--address', '127.0.0.1'], ['--cleanup']]) {
    test(`${args[0]} without rights over the kernel: one line that says what to do, and 2`, { skip: noRights }, () => {
      const { code, stderr } = runWithoutRights('node', ...args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /^error: .*(run as root, or with CAP_NET_ADMIN|install nftables)/m);
      assert.doesNotMatch(stderr, /^ +at /m);
    });
  }

  test('lab --kernel without rights: the same', { skip: noRights }, () => {
    const { code, stderr } = runWithoutRights('lab', '--kernel', '-f', EXAMPLE);
    assert.equal(code, 2, stderr);
    assert.match(
      stderr,
      /^error: --kernel: (needs root|needs Linux|no network namespace can be made here: run as root)/m,
    );
  });
});

suite('the addresses of the node', () => {
  const own = [
    { address: '127.0.0.1', internal: true },
    { address: '169.254.3.3', internal: false },
    { address: '10.0.0.5', internal: false },
    { address: '192.168.0.2', internal: false },
    { address: 'fe80::1', internal: false },
    { address: 'fd00::5', internal: false },
  ];
  const nodes = new Map([['node-a', { name: 'node-a', internalIps: ['192.168.0.2', '203.0.113.9'], podCidrs: [] }]]);

  test('are those of the Node object that the machine has, else its first', () => {
    assert.deepEqual(nodeAddresses({ nodes }, 'node-a', undefined, own), { IPv4: '192.168.0.2', IPv6: 'fd00::5' });
    assert.deepEqual(nodeAddresses({ nodes }, 'node-b', undefined, own), { IPv4: '10.0.0.5', IPv6: 'fd00::5' });
    assert.deepEqual(nodeAddresses({}, 'x', { IPv4: '10.0.0.5' }, own), { IPv4: '10.0.0.5' });
  });

  test('are not made up', () => {
    assert.throws(() => nodeAddresses({}, 'x', undefined, own.slice(0, 2)), UsageError);
    assert.throws(() => nodeAddresses({}, 'x', { IPv4: '10.0.0.6' }, own), UsageError);
  });
});
