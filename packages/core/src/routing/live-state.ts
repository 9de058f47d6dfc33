import { healthyPool } from '../balance/index.ts';
import { type Cluster, renderEndpointAddress } from '../model/index.ts';

/** What a running proxy knows of an endpoint. */
export interface LiveEndpoint {
  /** Has failed too much, and is left out for a while. */
  readonly ejected: boolean;
  /** Active health checks find it so. */
  readonly unhealthy: boolean;
  /** New, and without its full share yet. */
  readonly warming: boolean;
  /** Calls under way. */
  readonly activeRequests: number;
  /** What is known of it besides: `connected, 12 calls so far`. */
  readonly words: string;
  /** Median of its calls; absent before the first. */
  readonly latencyMs?: number;
}

/** By cluster name and `ip:port`; `undefined` where the proxy knows nothing yet. */
export type LiveState = (cluster: string, endpoint: string) => LiveEndpoint | undefined;

/** Nothing is known: every endpoint is as good as any other. */
export const NO_LIVE_STATE: LiveState = () => undefined;

/** Of each endpoint of the cluster, in order, whether calls may go there now: what is sick stays out as far as allowed. */
export function endpointsInUse(cluster: Cluster, live: LiveState): readonly boolean[] {
  const states = cluster.endpoints.map(({ address, port }) => live(cluster.name, renderEndpointAddress(address, port)));
  // Checks that find nobody healthy are taken to be wrong.
  const isProbed = states.some((state) => state?.unhealthy !== true);
  const marked = states.map((state) => ({
    isHealthy: state === undefined || !(state.ejected || (isProbed && state.unhealthy)),
  }));
  const minHealthPercent = cluster.outlierDetection?.minHealthPercent ?? 0;
  const pool = healthyPool(marked, ({ isHealthy }) => isHealthy, cluster.localities, minHealthPercent);
  return pool.map((one) => one !== undefined);
}
