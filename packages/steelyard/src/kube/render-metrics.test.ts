import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { KindStatus } from './cluster/kind-status.ts';
import { renderKubeMetrics } from './render-metrics.ts';

const counts = { events: 7, lists: 2, watches: 3, expired: 1, failures: 4 };
const watching: KindStatus = {
  kind: 'Service',
  phase: 'watching',
  synced: true,
  objects: 5,
  resourceVersion: '12',
  ageMs: 1500,
  counts,
};
const syncing: KindStatus = { ...watching, kind: 'EndpointSlice', phase: 'syncing', synced: false, ageMs: undefined };

suite('renderKubeMetrics', () => {
  test('each kind is a series; one that was never heard of has no age', () => {
    const lines = renderKubeMetrics([watching, syncing]).split('\n');
    const series = lines.filter((line) => line !== '' && !line.startsWith('#'));
    assert.deepEqual(
      series.filter((line) => line.includes('Service')),
      [
        'steelyard_kube_objects{kind="Service"} 5',
        'steelyard_kube_synced{kind="Service"} 1',
        'steelyard_kube_watching{kind="Service"} 1',
        'steelyard_kube_age_seconds{kind="Service"} 1.5',
        'steelyard_kube_events_total{kind="Service"} 7',
        'steelyard_kube_lists_total{kind="Service"} 2',
        'steelyard_kube_watches_total{kind="Service"} 3',
        'steelyard_kube_expired_total{kind="Service"} 1',
        'steelyard_kube_failures_total{kind="Service"} 4',
      ],
    );
    assert.ok(series.includes('steelyard_kube_watching{kind="EndpointSlice"} 0'));
    assert.ok(!series.some((line) => line.startsWith('steelyard_kube_age_seconds{kind="EndpointSlice"}')));
    assert.ok(lines.includes('# TYPE steelyard_kube_events_total counter'));
  });

  test('nothing without a cluster', () => assert.equal(renderKubeMetrics([]), ''));
});
