import type { Endpoint } from '@steelyard/core/model';
import type { CallEndpoint } from './call.ts';
import type { Engine } from './engine.ts';
import type { EndpointReport } from './metrics-report.ts';
import { EndpointStats } from './metrics-series.ts';
import { GrpcStatus } from './grpc-status.ts';
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

  constructor(endpoint: Endpoint, engine: Engine) {
    this.key = endpointKey(endpoint);
    this.#endpoint = endpoint;
    this.#engine = engine;
  }

  /**
   * A connection with room for one more call: the first that has any, so that few are busy; else a new one, since a pod's
   * MAX_CONCURRENT_STREAMS is per connection (gRFC A105). `undefined` when there are too many already.
   */
  acquire(): UpstreamConnection | undefined {
    for (const connection of this.#connections) if (connection.canOpen) return connection;
    if (this.#connections.length >= MAX_CONNECTIONS) return undefined;
    const { address, port } = this.#endpoint;
    const opened = new UpstreamConnection(address, port, this.key, this.#engine, this);
    this.#connections.push(opened);
    return opened;
  }

  closed(connection: UpstreamConnection): void {
    const position = this.#connections.indexOf(connection);
    if (position >= 0) this.#connections.splice(position, 1);
  }

  report(): EndpointReport {
    const { started, byStatus, latency, lastStatus } = this.stats;
    return {
      key: this.key,
      active: this.activeRequests,
      failing: lastStatus === GrpcStatus.UNAVAILABLE,
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
