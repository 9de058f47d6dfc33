import { BackendWeight, DEFAULT_LATENCY, LatencyEstimate } from '@steelyard/core/balance';
import { type AttemptEnd, EndpointHealth, FailureRuns, FailureShare, type ProbeState } from '@steelyard/core/health';
import type { AttemptObserver, CallEndpoint } from '../calls/call.ts';
import { type CallFailure, GrpcStatus } from '../calls/grpc-status.ts';
import type { RetryBudget } from '../retries/retry-budget.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import type { UpstreamConnection } from './upstream-connection.ts';
import type { UpstreamEndpoint } from './upstream-endpoint.ts';

/** What a member's calls are reported to. */
export interface MemberOwner {
  readonly name: string;
  /** Calls under way at its members. */
  active: number;
  /** Absent: no limits. */
  readonly breaker: CircuitBreaker | undefined;
  readonly budget: RetryBudget;
  attemptEnded(member: ClusterMember, status: number, us: number, end: AttemptEnd): void;
}

/** An endpoint as one cluster has it: its health is the cluster's own, its connections it may share with others. */
export class ClusterMember implements CallEndpoint {
  readonly key: string;
  readonly endpoint: UpstreamEndpoint;
  /** Since when it takes calls, by the engine's clock. */
  startedAtMs: number;
  /** Factor by which its load counts, see `Balanced`. */
  handicap = 1;
  readonly health: EndpointHealth = new EndpointHealth();
  readonly runs: FailureRuns = new FailureRuns();
  readonly failures: FailureShare = new FailureShare();
  /** What the log last said of it. */
  saidEjected = false;
  /** Absent: it is not checked. */
  probe: ProbeState | undefined = undefined;
  /** Of use to PEAK_EWMA. */
  readonly latency: LatencyEstimate;
  /** Of use to WEIGHTED_ROUND_ROBIN. */
  readonly backendWeight: BackendWeight = new BackendWeight();
  observer: AttemptObserver | undefined = undefined;
  readonly #owner: MemberOwner;

  constructor(endpoint: UpstreamEndpoint, owner: MemberOwner, nowMs: number) {
    this.key = endpoint.key;
    this.endpoint = endpoint;
    this.#owner = owner;
    this.startedAtMs = nowMs;
    this.latency = new LatencyEstimate(DEFAULT_LATENCY, nowMs);
  }

  /** Calls under way at the endpoint, of all clusters that share it: they are its load. */
  get activeRequests(): number {
    return this.endpoint.activeRequests;
  }

  /** False when a call is better off elsewhere: the pod could not be connected to lately, or has no room. */
  get reachable(): boolean {
    return this.endpoint.reachable && !this.isFull;
  }

  /** None of its connections takes another call, and there must not be more of them, or they would not either. */
  get isFull(): boolean {
    const { breaker } = this.#owner;
    return this.endpoint.isShut || (breaker !== undefined && !this.endpoint.hasRoom(breaker));
  }

  get isEjected(): boolean {
    return this.health.ejectedAtMs !== undefined;
  }

  get isUnhealthy(): boolean {
    return this.probe?.isUnhealthy === true;
  }

  /** A connection for one more call; `undefined` when there is none to be had, and {@link ClusterMember.refusal} says why. */
  acquire(): UpstreamConnection | undefined {
    const { breaker } = this.#owner;
    if (breaker === undefined) return this.endpoint.acquire();
    breaker.refusedBy = undefined;
    return breaker.mayCall() ? this.endpoint.acquire(breaker) : undefined;
  }

  refusal(): CallFailure {
    const { breaker, name } = this.#owner;
    if (breaker?.refusedBy !== undefined) return breaker.failure(breaker.refusedBy, name);
    return this.unusable();
  }

  /** Why no call would come to its pod. */
  unusable(): CallFailure {
    const { endpoint } = this;
    const { breaker, name } = this.#owner;
    const status = GrpcStatus.UNAVAILABLE;
    if (endpoint.isShut) return { status, message: endpoint.refusal(), full: true };
    if (breaker !== undefined && !endpoint.hasRoom(breaker)) return breaker.failure('maxConnections', name);
    return { status, message: endpoint.refusal() };
  }

  /** See {@link UpstreamEndpoint.reconnect}. */
  reconnect(): void {
    this.endpoint.reconnect();
  }

  begin(): void {
    this.endpoint.activeRequests++;
    this.endpoint.stats.started++;
    const owner = this.#owner;
    owner.active++;
    if (owner.budget.recent !== undefined) owner.budget.began();
  }

  end(status: number, us: number, end: AttemptEnd): void {
    this.endpoint.activeRequests--;
    this.endpoint.stats.ended(status, us);
    this.#owner.active--;
    this.#owner.attemptEnded(this, status, us, end);
  }
}
