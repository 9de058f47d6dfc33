import type { Cluster, ConnectionPool } from '@steelyard/core/model';
import type { Limits } from '@steelyard/http2';
import type { UpstreamTlsContext } from '../tls/tls-connect.ts';

/** How connections are secured: asked anew for each, since certificates change. */
export interface UpstreamSecurity {
  /** Absent: plain text, or there is a `problem`. */
  readonly context: UpstreamTlsContext | undefined;
  /** Why there can be no connection; empty when there can. */
  readonly problem: string;
}

/** What a cluster's DestinationRule says of single connections. Clusters of the same plan share them. */
export interface ConnectionPlan {
  /** Two plans with the same key are the same. */
  readonly key: string;
  readonly security: UpstreamSecurity;
  readonly limits: Limits;
  readonly connectTimeoutMs: number;
  /** Since its beginning, then it takes no more calls. */
  readonly maxDurationMs: number;
  readonly maxRequests: number;
  readonly maxConcurrentStreams: number;
  /** Idle time until TCP asks whether the pod is there; absent: it does not. */
  readonly tcpKeepaliveMs: number | undefined;
}

/** Istio's default (DestinationRule `connectTimeout`). */
const CONNECT_TIMEOUT_MS = 10_000;

/** Linux's default for the idle time (`tcp_keepalive_time`), which is Istio's. */
const TCP_KEEPALIVE_MS = 7_200_000;

/** @param securityKey tells ways of securing apart. */
export function planConnections(
  { connectionPool = {} }: Pick<Cluster, 'connectionPool'>,
  limits: Limits,
  security: UpstreamSecurity,
  securityKey: string,
): ConnectionPlan {
  const { connectTimeoutMs, maxConnectionDurationMs, maxRequestsPerConnection } = connectionPool;
  const plan = {
    limits: withPool(limits, connectionPool),
    connectTimeoutMs: connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    maxDurationMs: maxConnectionDurationMs ?? Infinity,
    maxRequests: maxRequestsPerConnection ?? Infinity,
    maxConcurrentStreams: connectionPool.maxConcurrentStreams ?? Infinity,
    tcpKeepaliveMs: connectionPool.tcpKeepalive && (connectionPool.tcpKeepalive.timeMs ?? TCP_KEEPALIVE_MS),
  };
  // Infinity, too, has to be told from what a field can say.
  const key = JSON.stringify([securityKey, ...Object.values(plan).map((value) => (value === Infinity ? '-' : value))]);
  return { key, security, ...plan };
}

function withPool(limits: Limits, { idleTimeoutMs, http2KeepAlive }: ConnectionPool): Limits {
  if (idleTimeoutMs === undefined && http2KeepAlive === undefined) return limits;
  return {
    ...limits,
    ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
    ...(http2KeepAlive?.intervalMs !== undefined && { keepaliveAfterMs: http2KeepAlive.intervalMs }),
    ...(http2KeepAlive?.timeoutMs !== undefined && { keepaliveTimeoutMs: http2KeepAlive.timeoutMs }),
  };
}
