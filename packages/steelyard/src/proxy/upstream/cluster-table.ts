import type { Random } from '@steelyard/core/balance';
import { type Cluster, type Endpoint, renderEndpointAddress, type Snapshot } from '@steelyard/core/model';
import type { ClusterReport } from '../metrics/cluster-report.ts';
import type { Engine } from '../transport/engine.ts';
import { type EndpointReport, mergeEndpoints } from '../metrics/metrics-report.ts';
import { ClusterSecurity } from './cluster-security.ts';
import { type ConnectionPlan, planConnections } from './connection-plan.ts';
import { type EndpointSource, ServedCluster } from './served-cluster.ts';
import { UpstreamEndpoint } from './upstream-endpoint.ts';

export type { ServedCluster } from './served-cluster.ts';

/**
 * The clusters that have had calls, with their pickers and endpoints. A new Snapshot touches only those whose cluster
 * changed; an endpoint that stays keeps its connections and its count of active calls.
 */
export class ClusterTable implements EndpointSource {
  readonly subsetSeed: number;
  readonly #engine: Engine;
  readonly #security: ClusterSecurity;
  #snapshot: Snapshot;
  readonly #served = new Map<string, ServedCluster>();
  /** By address and connection plan. */
  readonly #endpoints = new Map<string, UpstreamEndpoint>();

  constructor(snapshot: Snapshot, engine: Engine, random: Random) {
    this.subsetSeed = Math.floor(random() * 2 ** 32);
    this.#engine = engine;
    this.#security = new ClusterSecurity(engine, () => this.retryAll());
    this.#snapshot = snapshot;
    this.#serveChecked();
  }

  /** `undefined` when the cluster is unknown. */
  find(clusterName: string): ServedCluster | undefined {
    const served = this.#served.get(clusterName);
    if (served !== undefined) return served;
    const cluster = this.#snapshot.clusters.get(clusterName);
    return cluster && this.#serve(cluster);
  }

  update(snapshot: Snapshot): void {
    if (snapshot === this.#snapshot) return;
    this.#snapshot = snapshot;
    const gone: ServedCluster[] = [];
    for (const [name, served] of this.#served) {
      const cluster = snapshot.clusters.get(name);
      if (cluster !== undefined) {
        served.update(cluster);
        continue;
      }
      this.#served.delete(name);
      gone.push(served);
    }
    this.#serveChecked();
    // Last, so that endpoints that another cluster uses now are never without a user.
    for (const served of gone) served.leave();
  }

  /** What was counted of each endpoint that calls may have gone to. */
  report(): EndpointReport[] {
    return mergeEndpoints(Array.from(this.#endpoints.values(), (endpoint) => endpoint.report()));
  }

  reportClusters(): ClusterReport[] {
    return Array.from(this.#served.values(), (served) => served.report());
  }

  /** What connections fail by may have changed: all endpoints may be tried at once. */
  retryAll(): void {
    for (const endpoint of this.#endpoints.values()) endpoint.retry();
  }

  close(): void {
    for (const endpoint of this.#endpoints.values()) endpoint.close();
    for (const served of this.#served.values()) served.leave();
    this.#served.clear();
    this.#security.close();
  }

  plan(cluster: Cluster): ConnectionPlan {
    const { security, key } = this.#security.of(cluster);
    return planConnections(cluster, this.#engine.limits, security, key);
  }

  acquire(endpoint: Endpoint, plan: ConnectionPlan): UpstreamEndpoint {
    const key = keyOf(renderEndpointAddress(endpoint.address, endpoint.port), plan.key);
    let upstream = this.#endpoints.get(key);
    if (upstream === undefined) {
      upstream = new UpstreamEndpoint(endpoint, plan, this.#engine, () => this.#callNext());
      this.#endpoints.set(key, upstream);
    }
    upstream.uses++;
    return upstream;
  }

  release(endpoint: UpstreamEndpoint): void {
    endpoint.uses--;
    if (endpoint.uses > 0) return;
    this.#endpoints.delete(keyOf(endpoint.key, endpoint.plan.key));
    endpoint.retire();
  }

  /** A pod takes calls again. */
  #callNext(): void {
    for (const { line } of this.#served.values()) line.poke();
  }

  /** Endpoints are checked before the first call comes. */
  #serveChecked(): void {
    for (const cluster of this.#snapshot.clusters.values()) {
      if (cluster.extensions?.healthCheck !== undefined && !this.#served.has(cluster.name)) this.#serve(cluster);
    }
  }

  #serve(cluster: Cluster): ServedCluster {
    const served = new ServedCluster(cluster, this.#engine, this);
    this.#served.set(cluster.name, served);
    return served;
  }
}

function keyOf(address: string, plan: string): string {
  return `${address} ${plan}`;
}
