import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createCounters } from './counters.ts';
import { ApplyError, type RunTool } from './kernel-tool.ts';

const LIST = `{ pkts = 00000000000000000042, bytes = 00000000000000002520 } = ct_state_invalid_dropped_pkts;
{ pkts = 00000000000000000007, bytes = 00000000000000000420 } = localhost_nps_accepted_pkts;
`;

/** An nfacct that lists this, and refuses to make what is there already. */
function nfacct(list: string): RunTool {
  return (_, [verb]) =>
    Promise.resolve(
      verb === 'list'
        ? { code: 0, stdout: list, stderr: '' }
        : { code: 1, stdout: '', stderr: 'nfacct v1.0.2: error: Device or resource busy\n' },
    );
}

suite("the kernel's counters", () => {
  test('are those of the metrics', async () => {
    const counters = await createCounters(nfacct(LIST));
    const text = await counters?.render();
    assert.match(text ?? '', /^kubeproxy_iptables_ct_state_invalid_dropped_packets_total 42$/m);
    assert.match(text ?? '', /^kubeproxy_iptables_localhost_nodeports_accepted_packets_total 7$/m);
  });

  test('are not used where the kernel has none', async () => {
    assert.equal(await createCounters(nfacct('')), undefined);
  });

  test('are not used where the tool is missing', async () => {
    assert.equal(await createCounters(() => Promise.reject(new ApplyError('nfacct cannot be run'))), undefined);
  });
});
