import type { Endpoint } from '@steelyard/core/model';
import { renderEndpointAddress } from '@steelyard/core/model';
import type { CircuitBreaker } from './circuit-breaker.ts';
import { ConnectBackoff } from './connect-backoff.ts';
import type { ConnectionPlan } from './connection-plan.ts';
import type { Engine } from '../transport/engine.ts';
import type { EndpointReport } from '../metrics/metrics-report.ts';
import { EndpointStats } from '../metrics/metrics-series.ts';
import { GrpcStatus } from '../calls/grpc-status.ts';
import { type ConnectionOwner, UpstreamConnection } from './upstream-connection.ts';

/** More connections than this to one pod, each full, mean that something is wrong. */
const MAX_CONNECTIONS = 128;

/** Up to so many are opened because the others have no octets to spare; beyond, it is the pod that takes no more. */
const MAX_FOR_RATE = 8;

/** A pod's port and the connections of one plan to it. Clusters that share it share them. */
export class UpstreamEndpoint implements ConnectionOwner {
  /** Calls under way, of all clusters. */
  activeRequests = 0;
  maxConcurrentStreams = 100;
  /** `10.1.2.3:8000`, `[fd00::1]:8000` */
  readonly key: string;
  readonly plan: ConnectionPlan;
  readonly stats: EndpointStats = new EndpointStats();
  /** How many clusters use it. */
  uses = 0;
  readonly #endpoint: Endpoint;
  readonly #engine: Engine;
  readonly #connections: UpstreamConnection[] = [];
  readonly #backoff: ConnectBackoff;

  constructor(endpoint: Endpoint, plan: ConnectionPlan, engine: Engine) {
    this.key = renderEndpointAddress(endpoint.address, endpoint.port);
    this.plan = plan;
    this.#endpoint = endpoint;
    this.#engine = engine;
    this.#backoff = new ConnectBackoff(engine.random);
  }

  /** False when the pod could not be connected to lately: a call is better off elsewhere. */
  get reachable(): boolean {
    return !this.#backoff.failing || this.#connections.some(({ greeted, canOpen }) => greeted && canOpen);
  }

  /** Whether there is a place for one more call, or a connection with one could be made. */
  hasRoom(breaker: CircuitBreaker): boolean {
    return this.#connections.some(({ canOpen }) => canOpen) || this.connectionCount === 0 || breaker.hasConnectionsLeft;
  }

  /** Calls that wait for a connection to be made. */
  get pending(): number {
    let calls = 0;
    for (const { greeted, connection } of this.#connections) if (!greeted) calls += connection.streamCount;
    return calls;
  }

  /** Connections that take calls, or will. */
  get connectionCount(): number {
    let count = 0;
    for (const { ending } of this.#connections) if (!ending) count++;
    return count;
  }

  /**
   * A connection with room for one more call: the first that has any, so that few are busy; else a new one, since a pod's
   * MAX_CONCURRENT_STREAMS is per connection (gRFC A105), and so are its window and what one TCP connection carries. `undefined` when there are too many already, or when it is too
   * soon after one that failed; {@link UpstreamEndpoint.refusal} says which, or the `breaker` does.
   */
  acquire(breaker?: CircuitBreaker): UpstreamConnection | undefined {
    let heldUp: UpstreamConnection | undefined;
    for (const connection of this.#connections) {
      if (!connection.canOpen) continue;
      if (connection.heldUp) {
        heldUp ??= connection;
        continue;
      }
      if (breaker !== undefined && !connection.greeted && !breaker.mayWait()) return undefined;
      connection.take();
      return connection;
    }
    const opened = this.#open(breaker, heldUp === undefined ? MAX_CONNECTIONS : MAX_FOR_RATE) ?? heldUp;
    opened?.take();
    return opened;
  }

  #open(breaker: CircuitBreaker | undefined, most: number): UpstreamConnection | undefined {
    if (!this.#mayConnect || this.#connections.length >= most) return undefined;
    if (breaker !== undefined) {
      if (!breaker.mayWait()) return undefined;
      if (this.connectionCount > 0 && !breaker.mayConnect()) return undefined;
    }
    return this.#connect();
  }

  /** Why there is no connection. */
  refusal(): string {
    const { problem } = this.plan.security;
    if (problem !== '') return `the connection to ${this.key} cannot be secured: ${problem}`;
    if (!this.#backoff.failing) return `all connections to ${this.key} are full`;
    return `${this.key} cannot be reached for the moment: ${this.#backoff.lastError}`;
  }

  /** Tries a pod that could not be reached, if the time has come: calls are sent there again once it has answered. */
  reconnect(): void {
    if (this.#backoff.failing && this.#mayConnect) this.#connect();
  }

  /** Forgets earlier failures. */
  retry(): void {
    this.#backoff.succeeded();
  }

  get #mayConnect(): boolean {
    if (this.#connections.length >= MAX_CONNECTIONS || this.plan.security.problem !== '') return false;
    if (!this.#backoff.failing) return true;
    // One attempt at a time, however many calls wait for it.
    return this.#backoff.waitMs(this.#engine.now()) === 0 && this.#connections.every(({ greeted }) => greeted);
  }

  #connect(): UpstreamConnection {
    const opened = new UpstreamConnection(this.#endpoint, this.key, this.plan, this.#engine, this);
    this.#connections.push(opened);
    return opened;
  }

  greeted(): void {
    this.#backoff.succeeded();
  }

  closed(connection: UpstreamConnection, failure: string | undefined): void {
    const position = this.#connections.indexOf(connection);
    if (position >= 0) this.#connections.splice(position, 1);
    if (failure !== undefined) this.#backoff.failed(failure, connection.begunAt, this.#engine.now());
  }

  isSurplus(connection: UpstreamConnection): boolean {
    return this.#connections.some((other) => other !== connection && other.greeted && other.canOpen);
  }

  report(): EndpointReport {
    const { started, byStatus, latency, lastStatus } = this.stats;
    return {
      key: this.key,
      active: this.activeRequests,
      failing: this.#backoff.failing || lastStatus === GrpcStatus.UNAVAILABLE,
      connections: this.#connections.length,
      started,
      byStatus,
      latency: { counts: latency.counts, sumUs: latency.sumUs },
    };
  }

  /** The pod is gone from every cluster: its calls finish, then its connections close. */
  retire(): void {
    for (const connection of this.#connections) connection.drain();
  }

  close(): void {
    // Closing takes them off the list, but only once their sockets have.
    for (const connection of this.#connections) connection.close();
  }
}
