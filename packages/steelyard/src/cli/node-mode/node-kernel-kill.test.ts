// Node mode in a real kernel, in network namespaces that end with this test: the worst end.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { lacks } from '../../netfilter/apply/kernel-commands.test-bed.ts';
import { assertPinned, CALLS, CONCURRENCY, startKernelBed } from './node-kernel.test-bed.ts';

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
    const failures = [...measured.tally.callsByFailure];
    const isUnconnected = ([why]: (typeof failures)[number]): boolean => why.includes('No connection established');
    // A slot whose call failed may meet the same dead connection once more before it is known to be dead.
    const inFlight = failures.filter((failure) => !isUnconnected(failure)).reduce((sum, [, calls]) => sum + calls, 0);
    assert.ok(inFlight <= 2 * CONCURRENCY, JSON.stringify(failures));
    // The kernel closes the dead process's connections before its listener, and on a busy machine some time may pass in between.
    // Who connects in that time is reset, and fails its calls until it tries again. Never is anybody sent to where nobody listens.
    const attempts = failures.filter(isUnconnected).map(([why]) => why);
    assert.ok(attempts.length <= 1 && attempts.every((why) => why.includes('ECONNRESET')), JSON.stringify(failures));
    assertPinned(await bed.call(CALLS), 'afterwards');
    await bed.untilRules('none');
  });
});
