// Node mode in a real kernel, in network namespaces that end with this test: what it is for.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { lacks } from '../../netfilter/apply/kernel-commands.test-bed.ts';
import { assertPinned, assertSpread, CALLS, startKernelBed } from './node-kernel.test-bed.ts';

suite('node mode in the kernel: over iptables', { skip: lacks() }, () => {
  test("ahead of kube-proxy's iptables rules: each call is balanced, and nothing is left at the end", async (t) => {
    const bed = await startKernelBed(t, 'iptables');
    assertPinned(await bed.call(CALLS), 'before');
    const node = await bed.startNode('--access-log', 'all');
    assertSpread(await bed.call(CALLS), 'from a pod');
    assert.match(await node.said(/"peer":"/), new RegExp(`"peer":"${bed.net.callerAddress}:`), 'its address is kept');
    node.child.kill('SIGTERM');
    assert.equal((await node.ended).code, 0);
    assert.equal(await bed.rules(), 'none');
  });
});
