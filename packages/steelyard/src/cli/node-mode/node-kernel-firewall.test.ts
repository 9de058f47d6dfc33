// Node mode in a real kernel, in network namespaces that end with this test: a node whose firewall is against it.
import { suite, test } from 'node:test';
import { lacks } from '../../netfilter/apply/kernel-commands.test-bed.ts';
import { assertPinned, CALLS, startKernelBed } from './node-kernel.test-bed.ts';

suite('node mode in the kernel: a firewall', { skip: lacks() }, () => {
  test('callers whose packets to the listener are dropped get to pods all the same', async (t) => {
    const bed = await startKernelBed(t, 'nftables');
    await bed.net.node.mustRun(
      'nft',
      ['-f', '-'],
      `table inet firewall {
  chain input {
    type filter hook input priority 0; policy accept
    ip saddr ${bed.net.callerAddress} tcp flags syn drop
  }
}
`,
    );
    const node = await bed.startNode();
    const script = `for (let i = 0; i < 5; i++) require('node:net').connect(8000, '10.97.211.12'); setImmediate(process.exit)`;
    await bed.net.caller.run(process.execPath, ['-e', script]);
    await node.said(/connections of pods do not arrive at .*; for 60 s they go to kube-proxy's rules/);
    await bed.untilRules('idle');
    assertPinned(await bed.call(CALLS), 'past the proxy');
  });
});
