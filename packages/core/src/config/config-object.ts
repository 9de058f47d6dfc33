import type {
  AnnotationSettings,
  ClusterNode,
  ConnectionPool,
  EndpointConditions,
  Fault,
  HeaderRules,
  IpFamily,
  LoadBalancerPolicy,
  OutlierDetection,
  Protocol,
  RetryBudget,
  RetryPolicy,
  Rewrite,
  RouteAnswer,
  RouteMatch,
  Service,
  SourcePosition,
  TextMatch,
  TlsSettings,
  Warmup,
} from '../model/index.ts';
import type { FieldPlace } from './object-report.ts';

export interface SlicePort {
  /** Empty = unnamed. Joined with {@link ServicePort.name}. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

export interface SliceEndpoint {
  /** Canonical, never empty. */
  readonly addresses: readonly [string, ...string[]];
  readonly conditions: EndpointConditions;
  readonly podName?: string;
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly zone?: string;
  readonly zoneHints?: readonly string[];
  readonly nodeHints?: readonly string[];
}

/** discovery.k8s.io/v1 EndpointSlice. */
export interface EndpointSlice {
  readonly kind: 'EndpointSlice';
  readonly namespace: string;
  readonly name: string;
  /** Label `kubernetes.io/service-name`. */
  readonly serviceName?: string;
  readonly family: IpFamily;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly SliceEndpoint[];
  readonly position?: SourcePosition;
}

/** A Pod, of which only the labels matter: subsets select by them. */
export interface Pod {
  readonly kind: 'Pod';
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly position?: SourcePosition;
}

/** Who may see an Istio object: namespaces, `.` its own, `*` all, `~` none. Empty = `*`. */
export type ExportTo = readonly string[];

export interface HostPattern {
  /** As written, lower case: a short name, a fully qualified one, or `*.suffix`. */
  readonly host: string;
  readonly place: FieldPlace;
}

export interface RouteDestination {
  readonly host: string;
  readonly subset?: string;
  readonly port?: number;
  readonly place: FieldPlace;
}

export interface WeightedRouteDestination extends RouteDestination {
  /** Zero or more. Shares follow Istio: a sole destination gets all, of several those with zero get nothing. */
  readonly weight: number;
  readonly headers?: HeaderRules;
  /** What its `headers` set `:authority` or `host` to. */
  readonly authority?: string;
}

export interface MirrorDestination extends RouteDestination {
  /** Above 0, at most 100. */
  readonly percent: number;
}

/** An entry of `match`: what a request must be like, and whose and where to it must be. */
export interface HttpMatch {
  readonly conditions: RouteMatch;
  /** The condition on the path as written, where it takes every path: merging goes by what is written. */
  readonly everyPath?: TextMatch;
  /** The port the caller addressed. */
  readonly port?: number;
  /** Of the caller's workload. Neither these nor its namespace count when `gateways` are given. */
  readonly sourceLabels: Readonly<Record<string, string>>;
  /** Empty = any. */
  readonly sourceNamespace: string;
  /** Empty = those of the object. */
  readonly gateways: readonly string[];
  /** Merged with a match of the rule that delegates to its own: that one. */
  readonly within?: HttpMatch;
  readonly place: FieldPlace;
}

/** A rule of `VirtualService.spec.http`. It has destinations, an answer or a delegate: exactly one of them. */
export interface HttpRule {
  readonly name?: string;
  /** Alternatives. None: every call. */
  readonly matches: readonly HttpMatch[];
  /** The weights of several add up to more than zero. */
  readonly destinations: readonly WeightedRouteDestination[];
  readonly answer?: RouteAnswer;
  /** The VirtualService whose rules take over; its namespace is the object's own unless given. */
  readonly delegate?: { readonly name: string; readonly namespace?: string; readonly place: FieldPlace };
  readonly rewrite?: Rewrite;
  readonly headers?: HeaderRules;
  readonly timeoutMs?: number;
  readonly retry?: RetryPolicy;
  readonly fault?: Fault;
  readonly mirrors?: readonly MirrorDestination[];
  readonly place: FieldPlace;
}

/** networking.istio.io VirtualService; its three served versions have one schema. */
export interface VirtualService {
  readonly kind: 'VirtualService';
  readonly namespace: string;
  readonly name: string;
  /** `metadata.creationTimestamp`; 0 when absent. The older object wins a conflict. */
  readonly createdAtMs: number;
  /** Empty: for others to delegate to. */
  readonly hosts: readonly HostPattern[];
  /** Default `[mesh]`. */
  readonly gateways: readonly string[];
  readonly exportTo: ExportTo;
  /** `undefined` when the object has no HTTP part: Services keep their default routes. */
  readonly http?: readonly HttpRule[];
  readonly position?: SourcePosition;
}

/** `localityLbSetting`. It replaces what the Service's trafficDistribution says. */
export interface LocalityPolicy {
  readonly enabled: boolean;
  /** Where the calls from a place go, by weight. Places are `region/zone/subzone`, with `*` for the rest. */
  readonly distribute: readonly { readonly from: string; readonly to: Readonly<Record<string, number>> }[];
  /** Regions. */
  readonly failover: readonly { readonly from: string; readonly to: string }[];
  /** Labels, `key` or `key=value`. */
  readonly failoverPriority: readonly string[];
}

/** `zoneAwareLbSetting` (Istio 1.31). It replaces what the Service's trafficDistribution says, whether it is enabled or not. */
export interface ZoneAwarePolicy extends Pick<LocalityPolicy, 'enabled' | 'failover' | 'failoverPriority'> {
  /** With fewer healthy endpoints in the callers' region, zones make no difference. */
  readonly minClusterSize: number;
}

/** A block is present when the object has it, whatever it says: a subset's block replaces its rule's (istio.io). */
export interface TrafficPolicySettings {
  readonly loadBalancer?: LoadBalancerPolicy;
  /** The block `loadBalancer` is there, but names no policy: an annotation of the Service may. */
  readonly unspecified?: true;
  /** Part of the block `loadBalancer`. */
  readonly locality?: LocalityPolicy;
  /** Part of the block `loadBalancer`, in place of `locality`. */
  readonly zoneAware?: ZoneAwarePolicy;
  /** Part of the block `loadBalancer`. */
  readonly warmup?: Warmup;
  readonly connectionPool?: ConnectionPool;
  readonly outlierDetection?: OutlierDetection;
  readonly retryBudget?: RetryBudget;
  /** `DISABLE` is a block too: it replaces one that asks for TLS. */
  readonly tls?: TlsSettings | 'DISABLE';
}

export interface TrafficPolicy extends TrafficPolicySettings {
  /** By port number; they replace the settings above for that port, and inherit nothing. */
  readonly ports?: ReadonlyMap<number, TrafficPolicySettings>;
}

export interface Subset {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly trafficPolicy?: TrafficPolicy;
  readonly place: FieldPlace;
}

/** networking.istio.io DestinationRule; its three served versions have one schema. */
export interface DestinationRule {
  readonly kind: 'DestinationRule';
  readonly namespace: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly host: HostPattern;
  readonly exportTo: ExportTo;
  /** Labels of the client workloads it is for, in its own namespace. Absent: all. */
  readonly workloadSelector?: Readonly<Record<string, string>>;
  readonly trafficPolicy?: TrafficPolicy;
  readonly subsets: readonly Subset[];
  readonly annotations?: AnnotationSettings;
  readonly position?: SourcePosition;
}

/** A Node. It has no namespace of its own; the default one stands here so that all kinds are told apart alike. */
export interface NodeObject extends ClusterNode {
  readonly kind: 'Node';
  readonly namespace: string;
  readonly position?: SourcePosition;
}

/** A ServiceCIDR, which has no namespace either. */
export interface ServiceCidr {
  readonly kind: 'ServiceCIDR';
  readonly namespace: string;
  readonly name: string;
  /** In CIDR notation. */
  readonly cidrs: readonly string[];
  readonly position?: SourcePosition;
}

export type ConfigObject = Service | EndpointSlice | Pod | NodeObject | ServiceCidr | VirtualService | DestinationRule;
