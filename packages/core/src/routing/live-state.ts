import { healthyPool, narrowTo } from '../balance/index.ts';
import { type Cluster, renderEndpointAddress } from '../model/index.ts';

/** What a running proxy knows of an endpoint. */
export interface LiveEndpoint {
  /** Has failed too much, and is left out for a while. */
  readonly ejected: boolean;
  /** Active health checks find it so. */
  readonly unhealthy: boolean;
  /** The part of a full share that it gets as yet, 0–1; absent: it is not new. */
  readonly warmth?: number;
  /** Factor from 1 by which its load counts (see `Balanced`); absent: 1. */
  readonly handicap?: number;
  /** What its load reports make of it (gRFC A58); absent: there are none to go by. */
  readonly weight?: number;
  /** Calls under way. */
  readonly activeRequests: number;
  /** What is known of it besides: `connected, 12 calls so far`. */
  readonly words: string;
  /** What a call takes there, as the policy sees it, or the median where it does not look; absent before the first. */
  readonly latencyMs?: number;
  /** The proxy uses others: annotation `subset-size`. */
  readonly leftOut?: true;
}

/** By cluster name and `ip:port`; `undefined` where the proxy knows nothing yet. */
export type LiveState = (cluster: string, endpoint: string) => LiveEndpoint | undefined;

/** Nothing is known: every endpoint is as good as any other. */
export const NO_LIVE_STATE: LiveState = () => undefined;

/** The part of a cluster that a running proxy uses: all of it, or the subset it has chosen (gRFC A68). */
export function servedPart(cluster: Cluster, live: LiveState): Cluster {
  if (live === NO_LIVE_STATE || cluster.extensions?.subsetSize === undefined) return cluster;
  const kept = cluster.endpoints.flatMap(({ address, port }, index) => {
    return live(cluster.name, renderEndpointAddress(address, port))?.leftOut === true ? [] : [index];
  });
  return kept.length === cluster.endpoints.length ? cluster : narrowTo(cluster, kept);
}

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
