import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Snapshot } from '@steelyard/core/model';
import { compileRuleSet } from '../compile/compile-rule-set.ts';
import { snapshotOf } from '../compile/random-snapshot.test-bed.ts';
import { ruleHealth } from './rule-health.ts';
import { SyncMetrics } from './sync-metrics.ts';

function cluster(...names: readonly string[]): Snapshot {
  return snapshotOf(
    names.map((name, index) => ({
      apiVersion: 'v1',
      kind: 'Service' as const,
      metadata: { name, namespace: 'ns' },
      spec: { clusterIP: `172.30.0.${index + 1}`, ports: [{ name: 'p', port: 80 }] },
    })),
  );
}

const written = (complete: boolean, rules: readonly [string, number][] = []) => ({
  changed: true,
  complete,
  rules: new Map(rules),
});

/** The lines of a metric. */
function linesOf(text: string, name: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(`kubeproxy_${name}{`));
}

suite("what is counted under kube-proxy's names", () => {
  test('syncs, full and partial, by family', () => {
    const metrics = new SyncMetrics('iptables', ['IPv4', 'IPv6'], () => 1000);
    const ruleSet = compileRuleSet(cluster('a'), { family: 'IPv4' });
    metrics.written('IPv4', 0.3, ruleSet, written(true, [['nat', 7]]), 1);
    metrics.written('IPv4', 0.002, ruleSet, written(false, [['nat', 2]]), 2);
    const text = metrics.render();
    assert.deepEqual(linesOf(text, 'sync_proxy_rules_duration_seconds_count'), [
      'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"} 2',
      'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv6"} 0',
    ]);
    assert.match(text, /^kubeproxy_sync_full_proxy_rules_duration_seconds_bucket\{ip_family="IPv4",le="0.256"\} 0$/m);
    assert.match(text, /^kubeproxy_sync_full_proxy_rules_duration_seconds_bucket\{ip_family="IPv4",le="0.512"\} 1$/m);
    assert.match(text, /^kubeproxy_sync_partial_proxy_rules_duration_seconds_sum\{ip_family="IPv4"\} 0.002$/m);
    assert.deepEqual(linesOf(text, 'sync_proxy_rules_iptables_last'), [
      'kubeproxy_sync_proxy_rules_iptables_last{ip_family="IPv4",table="nat"} 2',
    ]);
    const rules = [...(ruleSet.tables['nat']?.values() ?? [])].reduce((sum, chain) => sum + chain.rules.length, 0);
    assert.ok(text.includes(`kubeproxy_sync_proxy_rules_iptables_total{ip_family="IPv4",table="nat"} ${rules}\n`));
  });

  test('changes wait until they are written', () => {
    const metrics = new SyncMetrics('nftables', ['IPv4'], () => 1000);
    metrics.queued(cluster('a'), cluster('a', 'b'));
    const pending = (): string[] => linesOf(metrics.render(), 'sync_proxy_rules_service_changes_pending');
    // Two Snapshots of separate compilers share nothing: `a` counts, too.
    assert.deepEqual(pending(), ['kubeproxy_sync_proxy_rules_service_changes_pending{ip_family="IPv4"} 2']);
    metrics.written('IPv4', 0.1, compileRuleSet(cluster('a'), { family: 'IPv4' }), written(false), 2);
    assert.deepEqual(pending(), ['kubeproxy_sync_proxy_rules_service_changes_pending{ip_family="IPv4"} 0']);
    assert.deepEqual(linesOf(metrics.render(), 'sync_proxy_rules_service_changes_total'), [
      'kubeproxy_sync_proxy_rules_service_changes_total{ip_family="IPv4"} 2',
    ]);
  });

  test('from a change of pods to the rules that have it, not earlier ones', () => {
    const metrics = new SyncMetrics('nftables', ['IPv4'], () => 1000);
    const ruleSet = compileRuleSet(cluster('a'), { family: 'IPv4' });
    const count = (): string[] => linesOf(metrics.render(), 'network_programming_duration_seconds_count');
    metrics.triggered(7, 999_200);
    metrics.written('IPv4', 0.1, ruleSet, written(false), 6);
    assert.deepEqual(count(), ['kubeproxy_network_programming_duration_seconds_count{ip_family="IPv4"} 0']);
    metrics.written('IPv4', 0.1, ruleSet, written(false), 7);
    metrics.written('IPv4', 0.1, ruleSet, written(false), 8);
    assert.deepEqual(count(), ['kubeproxy_network_programming_duration_seconds_count{ip_family="IPv4"} 1']);
    const bucket = 'kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv4",le=';
    assert.ok(metrics.render().includes(`${bucket}"0.5"} 0\n${bucket}"1"} 1\n`));
  });

  test('refusals', () => {
    const [iptables, nftables] = [new SyncMetrics('iptables', ['IPv4']), new SyncMetrics('nftables', ['IPv4'])];
    for (const metrics of [iptables, nftables]) {
      metrics.failed('IPv4', true);
      metrics.failed('IPv4', false);
    }
    assert.match(iptables.render(), /iptables_restore_failures_total\{ip_family="IPv4"\} 2$/m);
    assert.match(iptables.render(), /iptables_partial_restore_failures_total\{ip_family="IPv4"\} 1$/m);
    assert.match(nftables.render(), /nftables_sync_failures_total\{ip_family="IPv4"\} 2$/m);
  });
});

suite('ruleHealth', () => {
  const cases: readonly [string, number, number, boolean][] = [
    ['nothing written yet', 0, 0, false],
    ['all written', 5, 10, true],
    ['a change that came a moment ago', 100, 10, true],
    ['a change that has waited for too long', 30, 10, false],
  ];
  for (const [name, queued, synced, expected] of cases) {
    test(name, () => assert.equal(ruleHealth({ times: { queued, synced } }, 101), expected));
  }
});
