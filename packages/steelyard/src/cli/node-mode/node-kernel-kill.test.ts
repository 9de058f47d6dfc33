// Node mode in a real kernel, in network namespaces that end with this test: the worst end.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { lacks } from '../../netfilter/apply/kernel-commands.test.ts';
import { CALLS, CONCURRENCY, startKernelBed } from './node-kernel.test-bed.ts';

suite('node mode in the kernel: kill -9', { skip: lacks() }, () => {
  test('kill -9 in the middle of the load costs the calls that are in flight, no more', async (t) => {
    const bed = await startKernelBed(t, 'nftables');
    const node = await bed.startNode();
    let killed = false;
    const measured = await bed.call(4 * CALLS, 'pod', (done) => {
      if (done < CALLS || killed) return;
      killed = true;
      node.child.kill('SIGKILL');
    });
    assert.equal(measured.tally.calls, 4 * CALLS);
    // A slot whose call failed may meet the same dead connection once more before it is known to be dead.
    assert.ok(measured.tally.errors <= 2 * CONCURRENCY, JSON.stringify([...measured.tally.callsByFailure]));
    await bed.untilRules('none');
  });
});
