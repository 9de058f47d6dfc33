import type { Endpoint } from '@steelyard/core/model';
import type { CallEndpoint } from '../calls/call.ts';
import { ConnectBackoff } from './connect-backoff.ts';
import type { Engine } from '../transport/engine.ts';
import type { EndpointReport } from '../metrics/metrics-report.ts';
import { EndpointStats } from '../metrics/metrics-series.ts';
import { GrpcStatus } from '../calls/grpc-status.ts';
import { type ConnectionOwner, UpstreamConnection } from './upstream-connection.ts';

/** More connections than this to one pod, each full, mean that something is wrong. */
const MAX_CONNECTIONS = 128;

/** `10.1.2.3:8000`, `[fd00::1]:8000` */
export function endpointKey({ address, port, family }: Endpoint): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}

/** A pod's port and the connections to it. Clusters that share it share them. */
export class UpstreamEndpoint implements CallEndpoint, ConnectionOwner {
  activeRequests = 0;
  maxConcurrentStreams = 100;
  readonly key: string;
  readonly stats: EndpointStats = new EndpointStats();
  /** How many clusters use it. */
  uses = 0;
  readonly #endpoint: Endpoint;
  readonly #engine: Engine;
  readonly #connections: UpstreamConnection[] = [];
  readonly #backoff: ConnectBackoff;

  constructor(endpoint: Endpoint, engine: Engine) {
    this.key = endpointKey(endpoint);
    this.#endpoint = endpoint;
    this.#engine = engine;
    this.#backoff = new ConnectBackoff(engine.random);
  }

  /** False when the pod could not be connected to lately: a call is better off elsewhere. */
  get reachable(): boolean {
    return !this.#backoff.failing || this.#connections.some(({ greeted, canOpen }) => greeted && canOpen);
  }

  /**
   * A connection with room for one more call: the first that has any, so that few are busy; else a new one, since a pod's
   * MAX_CONCURRENT_STREAMS is per connection (gRFC A105). `undefined` when there are too many already, or when it is too
   * soon after one that failed; {@link UpstreamEndpoint.refusal} says which.
   */
  acquire(): UpstreamConnection | undefined {
    for (const connection of this.#connections) {
      if (!connection.canOpen) continue;
      connection.idleSince = -1;
      return connection;
    }
    return this.#mayConnect ? this.#connect() : undefined;
  }

  /** Why there is no connection. */
  refusal(): string {
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
    if (this.#connections.length >= MAX_CONNECTIONS) return false;
    if (!this.#backoff.failing) return true;
    // One attempt at a time, however many calls wait for it.
    return this.#backoff.waitMs(this.#engine.now()) === 0 && this.#connections.every(({ greeted }) => greeted);
  }

  #connect(): UpstreamConnection {
    const { address, port } = this.#endpoint;
    const opened = new UpstreamConnection(address, port, this.key, this.#engine, this);
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
