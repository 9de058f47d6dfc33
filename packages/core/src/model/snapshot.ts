import type { Diagnostic, ObjectRef } from './diagnostic.ts';
import type { LoadBalancerPolicy } from './policy.ts';
import type { ClusterNode, Endpoint, ServiceEntry } from './service.ts';

/** A group of endpoints with one policy, named as Istio names it: `outbound|PORT|SUBSET|HOST`. */
export interface Cluster {
  readonly name: string;
  /** Fully qualified: `backend.default.svc.cluster.local`. */
  readonly host: string;
  readonly port: number;
  /** Empty for the whole Service. */
  readonly subset: string;
  readonly loadBalancer: LoadBalancerPolicy;
  /** The endpoints calls may land on, by `usableEndpoints`, in the order of `ip:port`. */
  readonly endpoints: readonly Endpoint[];
  /** The DestinationRule that decided the policy. */
  readonly destinationRule?: ObjectRef;
}

/** A destination of a route. Its share is `weight` over the sum of its route's weights. */
export interface WeightedDestination {
  /** Key of {@link Snapshot.clusters}. */
  readonly cluster: string;
  readonly weight: number;
}

/** One rule of a virtual host. The first that matches wins. */
export interface Route {
  readonly name: string;
  /** Never empty; only weights above zero; weight 1 for a sole destination. */
  readonly destinations: readonly WeightedDestination[];
  readonly totalWeight: number;
}

/** What the callers of one Service port get. */
export interface VirtualHost {
  /** `HOST:PORT`, fully qualified. Key of {@link Snapshot.virtualHosts}. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Namespace of the Service: short names of `host` are valid from there. */
  readonly namespace: string;
  /** In order. A request that none matches has no route (Istio: 404, for gRPC UNIMPLEMENTED). */
  readonly routes: readonly Route[];
  /** The VirtualService that decided the routes; absent where the Service's own default route holds. */
  readonly virtualService?: ObjectRef;
}

/**
 * Everything Steelyard knows at one moment: whole, consistent, immutable.
 * What did not change from one Snapshot to the next keeps its identity (`===`), so consumers can take the difference.
 */
export interface Snapshot {
  /** Grows by one with each Snapshot of a compiler. */
  readonly version: number;
  /** `cluster.local` unless told otherwise. */
  readonly clusterDomain: string;
  /** By `namespace/name`. */
  readonly services: ReadonlyMap<string, ServiceEntry>;
  /** By name. */
  readonly nodes?: ReadonlyMap<string, ClusterNode>;
  readonly virtualHosts: ReadonlyMap<string, VirtualHost>;
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly diagnostics: readonly Diagnostic[];
}
