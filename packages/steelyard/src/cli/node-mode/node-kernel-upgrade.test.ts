// Node mode in a real kernel, in network namespaces that end with this test: two processes at a time.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { lacks } from '../../netfilter/apply/kernel-commands.test-bed.ts';
import { assertSpread, CALLS, startKernelBed } from './node-kernel.test-bed.ts';

suite('node mode in the kernel: an upgrade', { skip: lacks() }, () => {
  test('a new process takes over from an old one without a lost call', async (t) => {
    const bed = await startKernelBed(t, 'nftables');
    const old = await bed.startNode();
    let upgraded: Promise<void> | undefined;
    const upgrade = async (): Promise<void> => {
      await bed.startNode();
      old.child.kill('SIGTERM');
      assert.equal((await old.ended).code, 0);
    };
    const measured = await bed.call(8 * CALLS, 'pod', (done) => {
      if (done >= CALLS) upgraded ??= upgrade();
    });
    await upgraded;
    assertSpread(measured, 'over the upgrade');
    assert.equal(await bed.rules(), 'in effect');
  });
});
