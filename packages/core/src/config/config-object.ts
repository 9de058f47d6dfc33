import type {
  ClusterNode,
  EndpointConditions,
  IpFamily,
  LoadBalancerPolicy,
  Protocol,
  Service,
  SourcePosition,
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
  /** Zero or more. Shares follow Istio: a sole destination gets all, of several those with zero get nothing. */
  readonly weight: number;
  readonly place: FieldPlace;
}

/** A rule of `VirtualService.spec.http` that takes every call. */
export interface HttpRule {
  readonly name?: string;
  /** Never empty, and the weights of several add up to more than zero. */
  readonly destinations: readonly RouteDestination[];
  readonly place: FieldPlace;
}

/** networking.istio.io VirtualService; its three served versions have one schema. */
export interface VirtualService {
  readonly kind: 'VirtualService';
  readonly namespace: string;
  readonly name: string;
  /** `metadata.creationTimestamp`; 0 when absent. The older object wins a conflict. */
  readonly createdAtMs: number;
  readonly hosts: readonly HostPattern[];
  /** Default `[mesh]`. */
  readonly gateways: readonly string[];
  readonly exportTo: ExportTo;
  /** `undefined` when the object has no HTTP part: Services keep their default routes. */
  readonly http?: readonly HttpRule[];
  readonly position?: SourcePosition;
}

export interface TrafficPolicy {
  /** Present when the block is, whatever it says: a subset's block replaces its rule's (istio.io, DestinationRule). */
  readonly loadBalancer?: LoadBalancerPolicy;
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
  readonly trafficPolicy?: TrafficPolicy;
  readonly subsets: readonly Subset[];
  readonly position?: SourcePosition;
}

/** A Node. It has no namespace of its own; the default one stands here so that all kinds are told apart alike. */
export interface NodeObject extends ClusterNode {
  readonly kind: 'Node';
  readonly namespace: string;
  readonly position?: SourcePosition;
}

export type ConfigObject = Service | EndpointSlice | Pod | NodeObject | VirtualService | DestinationRule;
