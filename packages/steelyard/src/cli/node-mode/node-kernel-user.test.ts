// Node mode in a real kernel, in network namespaces that end with this test: the proxy as a user of its own.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { lacks } from '../../netfilter/apply/kernel-commands.test-bed.ts';
import { LAUNCHER } from '../cli.test-bed.ts';
import { assertSpread, CALLS, startKernelBed } from './node-kernel.test-bed.ts';

const USER = { uid: 65_532, gid: 65_532 };

/** Says what a server of HTTP/2 begins with: its first SETTINGS, in hexadecimal. */
const GREETING = `
const socket = require('node:net').connect(8000, process.argv[1]);
socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n'), Buffer.from('000000040000000000', 'hex')]));
socket.once('data', (bytes) => {
  console.log(bytes.subarray(0, 9 + bytes.readUIntBE(0, 3)).toString('hex'));
  socket.destroy();
});
`;

/** A clone in a folder of root's own cannot be run by others. */
function unreadable(): string | false {
  const { status } = spawnSync('test', ['-r', LAUNCHER], USER);
  return status === 0 ? false : 'skipped: another user cannot read the program here';
}

suite('node mode in the kernel: its user', { skip: lacks() || unreadable() }, () => {
  test('calls are served by that user, whose own connections are never redirected', async (t) => {
    const bed = await startKernelBed(t, 'nftables');
    const node = await bed.startNode('--user', `${USER.uid}:${USER.gid}`);
    assertSpread(await bed.call(CALLS), 'from a pod');
    const { stdout } = await bed.net.node.run('nft', ['list', 'chain', 'inet', 'steelyard-node', 'output']);
    assert.match(stdout, /^\s*meta skuid 65532 return$/m);
    const children = readFileSync(`/proc/${node.child.pid}/task/${node.child.pid}/children`, 'utf8').trim().split(' ');
    const users = children.map((pid) => /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    assert.ok(users.includes('65532'), users.join());
    // Who answers is told by the SETTINGS: the pods' server has others than the proxy.
    const greetingOf = async (host: string, ...as: readonly string[]): Promise<string> => {
      const { stdout: said } = await bed.net.node.run('env', [...as, process.execPath, '-e', GREETING, host]);
      return said.trim();
    };
    const pods = await greetingOf('10.80.128.247');
    assert.match(pods, /^[0-9a-f]{18,}$/);
    assert.notEqual(await greetingOf('10.97.211.12'), pods);
    const asUser = ['setpriv', '--reuid', '65532', '--regid', '65532', '--clear-groups'];
    assert.equal(await greetingOf('10.97.211.12', ...asUser), pods);
  });
});
