import type { SyncMetrics } from './sync-metrics.ts';

/** kube-proxy's patience: a change that is not written after two of its sync periods (2 × 30 s) is a failure. */
const PATIENCE_S = 60;

/**
 * Whether changes reach the kernel (kube-proxy, `ProxyHealthServer`): no change has waited for more than a minute.
 *
 * @param nowS seconds since 1970
 */
export function ruleHealth({ times: { queued, synced } }: Pick<SyncMetrics, 'times'>, nowS: number): boolean {
  if (synced === 0) return false;
  return synced >= queued || nowS - queued < PATIENCE_S;
}
