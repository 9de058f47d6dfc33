import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JobResult } from './job.ts';
import { holdBars, renderReport, type Row } from './report.ts';
import { parseSyncs } from './syncs.ts';

const result = (change: number, changeCpu: number): JobResult => ({
  full: 2,
  change,
  visible: 1,
  changeCpu,
  startCpu: 3,
});
const row = (subject: Row['subject'], ...runs: readonly JobResult[]): Row => ({
  subject,
  mode: 'nftables',
  services: 10,
  endpoints: 2,
  changes: 3,
  runs,
});

suite('the report about rules', () => {
  test('bars are of medians, and of what was measured only', () => {
    const ours = row('steelyard', result(0.1, 0.2), result(0.9, 0.2), result(0.12, 0.2));
    assert.deepEqual(
      holdBars([ours]).map(({ text, measured, holds }) => [text, measured, holds]),
      [['nftables, one slice, seconds', 0.12, true]],
    );
    const both = holdBars([ours, row('kube-proxy', result(4, 1))]);
    assert.deepEqual(
      both.map(({ measured, holds }) => [measured, holds]),
      [
        [0.12, true],
        [1, true],
        [0.2, false],
      ],
    );
    assert.match(renderReport({ versions: {}, machine: '', rows: [ours], bars: both }), /^MISSED {2}nftables, CPU/m);
  });

  test('reads the clock of both subjects', () => {
    const text = `kubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family="IPv6"} 9
kubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family="IPv4"} 1.5
kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"} 3
`;
    assert.deepEqual(parseSyncs(text), { count: 3, sum: 1.5 });
    assert.deepEqual(parseSyncs(''), { count: 0, sum: 0 });
  });
});
