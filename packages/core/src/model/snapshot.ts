import type { ConsideredRules, LeftOutRules } from './considered-rules.ts';
import type { Diagnostic, ObjectRef } from './diagnostic.ts';
import type { AppliedAnnotation, ClusterExtensions } from './extensions.ts';
import type { LoadBalancerPolicy } from './policy.ts';
import type { Fault, HeaderRules, Mirror, RetryPolicy, Rewrite, RouteAnswer } from './route-actions.ts';
import type { RouteMatch } from './route-match.ts';
import type { ClusterNode, Endpoint, ServiceEntry } from './service.ts';
import type { ConnectionPool, OutlierDetection, RetryBudget, TlsSettings, Warmup } from './traffic-policy.ts';

/** Endpoints of one place that share a weight. */
export interface LocalityGroup {
  /** `region/zone/subzone`; parts that are not known are empty. */
  readonly locality: string;
  /** 0 is first; a lower number is used as long as enough of its endpoints are healthy. Without gaps. */
  readonly priority: number;
  /** Share of the calls among the groups of its priority. */
  readonly weight: number;
  /** Indexes into `Cluster.endpoints`. */
  readonly members: readonly number[];
}

/** Envoy's zone aware routing. */
export interface ZoneAwareRouting {
  /** Of the caller, as {@link LocalityGroup.locality}. */
  readonly locality: string;
  /** With fewer healthy endpoints of priority 0, they all share alike. */
  readonly minClusterSize: number;
}

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
  /** PASSTHROUGH: its only endpoint is the Service's own address, where the kernel's rules choose a pod for each connection. */
  readonly toServiceAddress?: true;
  /** Where the calls go first. Absent: to all endpoints alike. */
  readonly localities?: readonly LocalityGroup[];
  /** Calls stay in the caller's place as far as its endpoints of priority 0 suffice. Absent: the weights hold there. */
  readonly zoneAware?: ZoneAwareRouting;
  /** What asks for `localities`: a field of the DestinationRule, or of the Service. */
  readonly localitiesBy?: 'localityLbSetting' | 'zoneAwareLbSetting' | 'outlierDetection' | 'trafficDistribution';
  readonly connectionPool?: ConnectionPool;
  readonly outlierDetection?: OutlierDetection;
  readonly retryBudget?: RetryBudget;
  readonly warmup?: Warmup;
  /** Absent: plain text, unless who connects was told otherwise for all clusters. `DISABLE`: plain text in any case. */
  readonly tls?: TlsSettings | 'DISABLE';
  /** Absent: no annotation asks for anything. */
  readonly extensions?: ClusterExtensions;
  /** The annotations that decided `loadBalancer` or `extensions`, and whose they are. Absent: none did. */
  readonly annotations?: readonly AppliedAnnotation[];
  /** The DestinationRule that is for it. */
  readonly destinationRule?: ObjectRef;
  /** Where each block of its policy stands. Absent: there is none, and defaults hold. */
  readonly policyAt?: PolicyPlaces;
}

/** Parts of a `trafficPolicy` that are taken whole. */
export const POLICY_BLOCKS = ['loadBalancer', 'outlierDetection', 'connectionPool', 'retryBudget', 'tls'] as const;

export type PolicyBlock = (typeof POLICY_BLOCKS)[number];

/** A block that is not here has the default. */
export type PolicyPlaces = Readonly<Partial<Record<PolicyBlock, PolicyPlace>>>;

export interface PolicyPlace {
  /** A DestinationRule. */
  readonly object: ObjectRef;
  /** In kubectl's spelling; an entry of `portLevelSettings` by its port: `[port 8000]`. */
  readonly field: string;
}

/** A destination of a route. Its share is `weight` over the sum of its route's weights. */
export interface WeightedDestination {
  /** Key of {@link Snapshot.clusters}. */
  readonly cluster: string;
  readonly weight: number;
  /** Done before those of the route, which so come out on top, as in Envoy. A sole destination's are among the route's. */
  readonly headers?: HeaderRules;
  /** Replaces the authority where the route's `rewrite` does not. */
  readonly authority?: string;
}

/** A rule that says what those that it delegates to leave open. */
export interface DelegatingRule {
  readonly virtualService: ObjectRef;
  /** In kubectl's spelling. */
  readonly path: string;
  /** Fields of the rule: `timeout`, `retries`, … */
  readonly fields: readonly string[];
}

/** One rule of a virtual host. The first that matches wins. */
export interface Route {
  readonly name: string;
  /** In kubectl's spelling: the rule of the VirtualService that this route is. Absent for a Service's own. */
  readonly path?: string;
  /** The VirtualService whose rule it is: one delegated to, or the virtual host's own. */
  readonly virtualService?: ObjectRef;
  /** The rule that delegates to it; `fields` are what the route has of that. Absent: no rule does, or it has nothing of it. */
  readonly delegatedBy?: DelegatingRule;
  /** Alternatives: one that holds is enough. Absent: every call. */
  readonly matches?: readonly RouteMatch[];
  /** Only weights above zero; weight 1 for a sole destination. Empty only for a route with an `answer`. */
  readonly destinations: readonly WeightedDestination[];
  readonly totalWeight: number;
  /** The route answers by itself. */
  readonly answer?: RouteAnswer;
  readonly rewrite?: Rewrite;
  readonly headers?: HeaderRules;
  /** Absent: as long as the caller waits. */
  readonly timeoutMs?: number;
  /** Absent: `DEFAULT_RETRY_POLICY`. */
  readonly retry?: RetryPolicy;
  readonly fault?: Fault;
  readonly mirrors?: readonly Mirror[];
}

/** What the callers of one Service port get, or those of a host that is no Service but that a VirtualService speaks of. */
export interface VirtualHost {
  /** `HOST:PORT`, fully qualified. Key of {@link Snapshot.virtualHosts}. */
  readonly name: string;
  /** Of a host that is no Service perhaps a wildcard, `*.x` or `*`. */
  readonly host: string;
  /** 0, which only a host that is no Service has: every port that no other virtual host of it is for. */
  readonly port: number;
  /** Namespace of the Service, from where short names of `host` are valid; else that of the VirtualService. */
  readonly namespace: string;
  /** In order. A request that none matches has no route (Istio: 404, for gRPC UNIMPLEMENTED). */
  readonly routes: readonly Route[];
  /** The VirtualService that decided the routes; absent where the Service's own default route holds. */
  readonly virtualService?: ObjectRef;
  /** For those who ask why; absent: no rule before the last route is left out. */
  readonly leftOut?: LeftOutRules;
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
  /** The networks that addresses of Services are taken from, in CIDR notation; absent: not known. */
  readonly serviceCidrs?: readonly string[];
  readonly virtualHosts: ReadonlyMap<string, VirtualHost>;
  readonly clusters: ReadonlyMap<string, Cluster>;
  /**
   * The DestinationRules for a Service, by its full name, where there is more to say than that the only one decides: for
   * those who ask why. Nothing else goes by it.
   */
  readonly consideredRules?: ReadonlyMap<string, ConsideredRules>;
  readonly diagnostics: readonly Diagnostic[];
}
