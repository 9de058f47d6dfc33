// Node mode in a real kernel, in network namespaces that end with this test: a process that is there and does nothing.
import { suite, test } from 'node:test';
import { lacks } from '../../netfilter/apply/kernel-commands.test-bed.ts';
import { assertPinned, assertSpread, CALLS, startKernelBed } from './node-kernel.test-bed.ts';

suite('node mode in the kernel: a hang', { skip: lacks() }, () => {
  test('a process that hangs loses its redirects, and gets them back', async (t) => {
    const bed = await startKernelBed(t, 'nftables');
    const node = await bed.startNode();
    node.child.kill('SIGSTOP');
    await bed.untilRules('idle');
    assertPinned(await bed.call(CALLS), 'while it hangs');
    node.child.kill('SIGCONT');
    await bed.untilRules('in effect');
    assertSpread(await bed.call(CALLS), 'afterwards');
  });
});
