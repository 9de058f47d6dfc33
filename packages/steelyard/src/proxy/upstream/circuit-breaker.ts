import type { ConnectionPool } from '@steelyard/core/model';
import { type CallFailure, GrpcStatus } from '../calls/grpc-status.ts';

/** What a `connectionPool` limits of a cluster as a whole. */
export type BreakerName = 'maxConnections' | 'maxPendingRequests' | 'maxRequests';

/** What a cluster is busy with. */
export interface ClusterLoad {
  /** Calls under way. */
  readonly active: number;
  /** Calls that wait for a connection, or for one to be made. */
  pending(): number;
  connections(): number;
}

/**
 * The circuit breakers of a cluster (DestinationRule `connectionPool`; Envoy's of default priority). They hold for this
 * process alone.
 */
export class CircuitBreaker {
  readonly #limits: ConnectionPool;
  readonly #load: ClusterLoad;
  /** Who refused last. */
  refusedBy: BreakerName | undefined = undefined;
  /** Calls that were refused, or connections that were not made. */
  readonly refused: Record<BreakerName, number>;

  /** @param refused what was counted under earlier limits. */
  constructor(
    limits: ConnectionPool,
    load: ClusterLoad,
    refused: Record<BreakerName, number> = { maxConnections: 0, maxPendingRequests: 0, maxRequests: 0 },
  ) {
    this.#limits = limits;
    this.#load = load;
    this.refused = refused;
  }

  /** Whether one call more may be under way. */
  mayCall(): boolean {
    const { maxRequests } = this.#limits;
    return maxRequests === undefined || this.#load.active < maxRequests || this.#refuse('maxRequests');
  }

  /** Whether one call more may wait for a connection to be made. */
  mayWait(): boolean {
    const { maxPendingRequests } = this.#limits;
    return (
      maxPendingRequests === undefined ||
      this.#load.pending() < maxPendingRequests ||
      this.#refuse('maxPendingRequests')
    );
  }

  /** Whether an endpoint that has some may have one connection more. The first is never refused: calls would have none. */
  mayConnect(): boolean {
    const { maxConnections } = this.#limits;
    return maxConnections === undefined || this.#load.connections() < maxConnections || this.#refuse('maxConnections');
  }

  /** The same, when nothing comes of it yet. */
  get hasConnectionsLeft(): boolean {
    const { maxConnections } = this.#limits;
    return maxConnections === undefined || this.#load.connections() < maxConnections;
  }

  /** Those at their limit now. */
  open(): BreakerName[] {
    const { maxConnections, maxPendingRequests, maxRequests } = this.#limits;
    return [
      ...(isAt(maxConnections, () => this.#load.connections()) ? ['maxConnections' as const] : []),
      ...(isAt(maxPendingRequests, () => this.#load.pending()) ? ['maxPendingRequests' as const] : []),
      ...(isAt(maxRequests, () => this.#load.active) ? ['maxRequests' as const] : []),
    ];
  }

  failure(breaker: BreakerName, cluster: string): CallFailure {
    const limit = this.#limits[breaker] ?? 0;
    return {
      status: GrpcStatus.UNAVAILABLE,
      message: `${cluster} ${WHAT[breaker]} (${FIELD[breaker]}: ${limit})`,
      headers: OVERLOADED,
      overloaded: true,
      ...(breaker === 'maxConnections' && { full: true }),
    };
  }

  #refuse(breaker: BreakerName): false {
    this.refused[breaker]++;
    this.refusedBy = breaker;
    return false;
  }
}

function isAt(limit: number | undefined, count: () => number): boolean {
  return limit !== undefined && count() >= limit;
}

const WHAT: Readonly<Record<BreakerName, string>> = {
  maxConnections: 'may have no more connections, and those it has are full',
  maxPendingRequests: 'has as many calls waiting for a connection as it may',
  maxRequests: 'has as many calls under way as it may',
};

/** In the words of DestinationRule. */
const FIELD: Readonly<Record<BreakerName, string>> = {
  maxConnections: 'connectionPool.tcp.maxConnections',
  maxPendingRequests: 'connectionPool.http.http1MaxPendingRequests',
  maxRequests: 'connectionPool.http.http2MaxRequests',
};

/**
 * Callers must not try again at once, or the breaker would be of no use: gRPC's clients hear that by a negative pushback
 * (gRFC A6), Envoys in front of us by the header that their own breakers set.
 */
const OVERLOADED: NonNullable<CallFailure['headers']> = {
  set: [
    ['grpc-retry-pushback-ms', '-1'],
    ['x-envoy-overloaded', 'true'],
  ],
  add: [],
  remove: [],
};
