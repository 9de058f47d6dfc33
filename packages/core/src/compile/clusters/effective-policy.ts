import type { TrafficPolicy, TrafficPolicySettings } from '../../config/index.ts';

/**
 * What holds for one port of a cluster (pilot/pkg/networking, `MergeTrafficPolicy` and `getTrafficPolicyForPort`): the
 * rule's settings of the port, else its general ones; over them the subset's settings of the port, else each block of its
 * general ones. A block replaces a block whole; nothing is mixed by field.
 */
export function effectivePolicy(
  rule: TrafficPolicy | undefined,
  subset: TrafficPolicy | undefined,
  port: number,
): TrafficPolicySettings {
  const base: TrafficPolicySettings = rule?.ports?.get(port) ?? rule ?? {};
  const ofPort = subset?.ports?.get(port);
  if (ofPort !== undefined) {
    // What a port's settings leave out is Istio's default, not what holds elsewhere.
    const { retryBudget } = base;
    return { ...(retryBudget !== undefined && { retryBudget }), ...ofPort };
  }
  if (subset === undefined) return base;
  // locality, zoneAware and warmup are parts of the block `loadBalancer`.
  const { loadBalancer, unspecified, locality, zoneAware, warmup, ...others } = base;
  const balancing = subset.loadBalancer === undefined ? { loadBalancer, unspecified, locality, zoneAware, warmup } : {};
  return withoutGaps({ ...others, ...balancing, ...subset });
}

function withoutGaps(settings: {
  [K in keyof TrafficPolicySettings]: TrafficPolicySettings[K] | undefined;
}): TrafficPolicySettings {
  const { loadBalancer, unspecified, locality, zoneAware, warmup } = settings;
  const { connectionPool, outlierDetection, retryBudget, tls } = settings;
  return {
    ...(loadBalancer !== undefined && { loadBalancer }),
    ...(unspecified !== undefined && { unspecified }),
    ...(locality !== undefined && { locality }),
    ...(zoneAware !== undefined && { zoneAware }),
    ...(warmup !== undefined && { warmup }),
    ...(connectionPool !== undefined && { connectionPool }),
    ...(outlierDetection !== undefined && { outlierDetection }),
    ...(retryBudget !== undefined && { retryBudget }),
    ...(tls !== undefined && { tls }),
  };
}
