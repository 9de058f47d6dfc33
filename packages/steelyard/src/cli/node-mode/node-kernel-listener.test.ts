// Node mode in a real kernel, in network namespaces that end with this test: who may not use it.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { lacks } from '../../netfilter/apply/kernel-commands.test-bed.ts';
import { startKernelBed } from './node-kernel.test-bed.ts';

suite('node mode in the kernel: its listeners', { skip: lacks() }, () => {
  test('a listener that is dialled by its own address refuses', async (t) => {
    const bed = await startKernelBed(t, 'nftables');
    await bed.startNode();
    const { stdout } = await bed.net.node.run('nft', ['list', 'set', 'inet', 'steelyard-node', 'listeners4']);
    const port = /elements = \{ (\d+) \}/.exec(stdout)?.[1];
    const script = `require('node:net').connect(${port}, '${bed.net.nodeAddress}').on('error', (e) => console.log(e.code)).on('connect', () => process.exit(console.log('connected')))`;
    for (const from of [bed.net.caller, bed.net.node]) {
      assert.equal((await from.run(process.execPath, ['-e', script])).stdout.trim(), 'ECONNREFUSED');
    }
  });
});
