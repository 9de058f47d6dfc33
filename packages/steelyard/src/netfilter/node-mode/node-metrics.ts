import { type MetricFamily, only, renderNumbers } from '../../metric-text.ts';
import type { NodeMode } from './node-session.ts';

/** Node mode's part of `/metrics`, in Prometheus' text format. */
export function renderNodeMetrics({ phase, choice, counts }: Pick<NodeMode, 'phase' | 'choice' | 'counts'>): string {
  const rows: readonly (readonly [string, MetricFamily['type'], string, number])[] = [
    ['rules_in_effect', 'gauge', "The rules are this process's, and hold.", phase === 'owner' ? 1 : 0],
    ['service_ports', 'gauge', 'Service ports whose calls are balanced.', choice.balanced.length],
    ['service_ports_left', 'gauge', 'TCP ports of Services that stay with kube-proxy.', choice.left.length],
    ['redirects', 'gauge', 'Addresses and ports that the rules send to the proxy.', counts.redirects],
    ['heartbeats_total', 'counter', 'Times the rules were renewed.', counts.heartbeats],
    ['heartbeat_failures_total', 'counter', 'Times they could not be renewed.', counts.heartbeatFailures],
    ['lapses_total', 'counter', 'Times they had no effect, as a heartbeat came too late.', counts.lapses],
    ['blocks_total', 'counter', 'Times that connections did not arrive, and were left to kube-proxy.', counts.blocks],
    ['takeovers_total', 'counter', 'Times the whole of the rules was written.', counts.takeovers],
  ];
  return rows
    .map(([name, type, help, value]) =>
      renderNumbers({ name: `steelyard_node_${name}`, type, help, labels: [] }, only(value)),
    )
    .join('');
}
