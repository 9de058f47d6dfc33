import { createClusterPicker, type Picker, type Random } from '@steelyard/core/balance';
import type { Cluster, Snapshot } from '@steelyard/core/model';
import type { Engine } from '../transport/engine.ts';
import type { EndpointReport } from '../metrics/metrics-report.ts';
import { endpointKey, UpstreamEndpoint } from './upstream-endpoint.ts';

/** A cluster that calls go to. */
export interface ServedCluster {
  readonly cluster: Cluster;
  /** Gives `undefined` when the cluster has no endpoints. */
  readonly picker: Picker<UpstreamEndpoint>;
  /** Its policy goes by what a call says: `pick` wants the call's hash. */
  readonly hashes: boolean;
  readonly endpoints: readonly UpstreamEndpoint[];
}

/**
 * The clusters that have had calls, with their pickers and endpoints. A new Snapshot touches only those whose cluster
 * changed; an endpoint that stays keeps its connections and its count of active calls.
 */
export class ClusterTable {
  readonly #engine: Engine;
  readonly #random: Random;
  #snapshot: Snapshot;
  readonly #states = new Map<string, ServedCluster>();
  readonly #endpoints = new Map<string, UpstreamEndpoint>();

  constructor(snapshot: Snapshot, engine: Engine, random: Random) {
    this.#snapshot = snapshot;
    this.#engine = engine;
    this.#random = random;
  }

  /** `undefined` when the cluster is unknown. */
  find(clusterName: string): ServedCluster | undefined {
    const state = this.#states.get(clusterName);
    if (state !== undefined) return state;
    const cluster = this.#snapshot.clusters.get(clusterName);
    return cluster && this.#enter(cluster);
  }

  update(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    for (const [name, state] of this.#states) {
      const cluster = snapshot.clusters.get(name);
      if (cluster === state.cluster) continue;
      // The new endpoints first, so that those in both are never without a user.
      if (cluster === undefined) this.#states.delete(name);
      else this.#enter(cluster);
      for (const endpoint of state.endpoints) this.#leave(endpoint);
    }
  }

  /** What was counted of each endpoint that calls may have gone to. */
  report(): EndpointReport[] {
    return Array.from(this.#endpoints.values(), (endpoint) => endpoint.report());
  }

  /** What connections fail by may have changed: all endpoints may be tried at once. */
  retryAll(): void {
    for (const endpoint of this.#endpoints.values()) endpoint.retry();
  }

  close(): void {
    for (const endpoint of this.#endpoints.values()) endpoint.close();
  }

  #enter(cluster: Cluster): ServedCluster {
    const endpoints = cluster.endpoints.map((endpoint) => {
      const key = endpointKey(endpoint);
      let upstream = this.#endpoints.get(key);
      if (upstream === undefined) {
        upstream = new UpstreamEndpoint(endpoint, this.#engine);
        this.#endpoints.set(key, upstream);
      }
      upstream.uses++;
      return upstream;
    });
    const picker = createClusterPicker(cluster, endpoints, this.#random);
    const { kind } = cluster.loadBalancer;
    const state = { cluster, endpoints, picker, hashes: kind === 'RING_HASH' || kind === 'MAGLEV' };
    this.#states.set(cluster.name, state);
    return state;
  }

  #leave(endpoint: UpstreamEndpoint): void {
    endpoint.uses--;
    if (endpoint.uses > 0) return;
    this.#endpoints.delete(endpoint.key);
    endpoint.retire();
  }
}
