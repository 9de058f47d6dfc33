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

/** The kernel's rules may choose a pod that is gone, and for the next connection one that is not. */
const SERVICE_SPARE = 3;

/** Connections that allow no calls and are kept all the same: they may later. A Service's next one may reach another pod. */
const SHUT_CONNECTIONS = 1;
const SHUT_SERVICE_CONNECTIONS = 4;

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
  readonly #onRoom: () => void;

  /** @param onRoom it takes calls again, which may be waiting for that. */
  constructor(endpoint: Endpoint, plan: ConnectionPlan, engine: Engine, onRoom: () => void) {
    this.key = renderEndpointAddress(endpoint.address, endpoint.port);
    this.plan = plan;
    this.#endpoint = endpoint;
    this.#engine = engine;
    this.#onRoom = onRoom;
    this.#backoff = new ConnectBackoff(engine.random, endpoint.isService === true ? SERVICE_SPARE : 0);
  }

  /** False when the pod could not be connected to lately: a call is better off elsewhere. */
  get reachable(): boolean {
    return !this.#backoff.failing || this.#connections.some(({ greeted, canOpen }) => greeted && canOpen);
  }

  /**
   * None of its connections takes a call, and another would be no better: they are too many already, or the pod allows no streams
   * for now. "Servers SHOULD only set a zero value for short durations" (RFC 9113 §6.5.2), so calls may wait for its end.
   */
  get isShut(): boolean {
    if (this.maxConcurrentStreams > 0 && this.#connections.length < MAX_CONNECTIONS) return false;
    return !this.#backoff.failing && !this.#connections.some(({ canOpen }) => canOpen);
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
   * MAX_CONCURRENT_STREAMS is per connection (gRFC A105), and so are its window and what one TCP connection carries. `undefined`
   * when there are too many already, or when it is too soon after one that failed; {@link UpstreamEndpoint.refusal} says which,
   * or the `breaker` does.
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
    const opened = this.#connect();
    // Not before its SETTINGS, if the one before allowed nothing.
    return opened.canOpen ? opened : undefined;
  }

  /** Why there is no connection. */
  refusal(): string {
    const { problem } = this.plan.security;
    if (problem !== '') return `the connection to ${this.key} cannot be secured: ${problem}`;
    if (this.#backoff.failing) return `${this.key} cannot be reached for the moment: ${this.#backoff.lastError}`;
    if (this.maxConcurrentStreams > 0) return `all connections to ${this.key} are full`;
    return `${this.key} allows no calls for the moment (SETTINGS_MAX_CONCURRENT_STREAMS is 0)`;
  }

  /**
   * Tries a pod that could not be reached, or took no calls, if the time has come: calls are sent there again once it has
   * answered.
   */
  reconnect(): void {
    if ((this.#backoff.failing || this.isShut) && this.#mayConnect) this.#connect();
  }

  /** Forgets earlier failures. */
  retry(): void {
    this.#backoff.succeeded();
  }

  get #mayConnect(): boolean {
    if (this.#connections.length >= MAX_CONNECTIONS || this.plan.security.problem !== '') return false;
    if (!this.#backoff.failing) return this.maxConcurrentStreams > 0 || this.#hopes < this.#mostShut;
    // One attempt at a time, however many calls wait for it.
    return this.#backoff.waitMs(this.#engine.now()) === 0 && this.#connections.every(({ greeted }) => greeted);
  }

  /** Connections that may come to take calls. */
  get #hopes(): number {
    return this.#connections.reduce((count, { mayTakeCalls }) => count + (mayTakeCalls ? 1 : 0), 0);
  }

  get #mostShut(): number {
    return this.#endpoint.isService === true ? SHUT_SERVICE_CONNECTIONS : SHUT_CONNECTIONS;
  }

  #connect(): UpstreamConnection {
    const opened = new UpstreamConnection(this.#endpoint, this.key, this.plan, this.#engine, this);
    this.#connections.push(opened);
    return opened;
  }

  greeted(): void {
    this.#backoff.succeeded();
  }

  announced(maxConcurrentStreams: number): void {
    const before = this.maxConcurrentStreams;
    this.maxConcurrentStreams = maxConcurrentStreams;
    if (before === 0 && maxConcurrentStreams > 0) this.#onRoom();
  }

  closed(connection: UpstreamConnection, failure: string | undefined): void {
    const position = this.#connections.indexOf(connection);
    if (position >= 0) this.#connections.splice(position, 1);
    if (failure !== undefined) this.#backoff.failed(failure, connection.begunAt, this.#engine.now());
    // What one of them allows holds for the next only as long as there is none that allows more.
    if (this.maxConcurrentStreams > 0) return;
    for (const { greeted, allows } of this.#connections) if (greeted && allows > 0) this.maxConcurrentStreams = allows;
  }

  isSurplus(connection: UpstreamConnection): boolean {
    // A pod that goes on to allow nothing is asked anew, once somebody wants it.
    if (connection.greeted && connection.allows === 0) return true;
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
