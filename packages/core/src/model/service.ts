import type { ObjectRef, SourcePosition } from './diagnostic.ts';
import type { AnnotationSettings } from './extensions.ts';

export type IpFamily = 'IPv4' | 'IPv6';
export type Protocol = 'TCP' | 'UDP' | 'SCTP';

/** One entry of `Service.spec.ports`. */
export interface ServicePort {
  /** Empty when the only port is unnamed. Endpoints join on this name, not on the number. */
  readonly name: string;
  readonly protocol: Protocol;
  /** 1–65535 */
  readonly port: number;
  /** Number, or the name of a container port; defaults to `port`. EndpointSlices carry the result. */
  readonly targetPort: number | string;
  readonly appProtocol?: string;
  /** The port on every node, when one is allocated. */
  readonly nodePort?: number;
}

export type ServiceType = 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';

/** A Kubernetes Service, trimmed to what Steelyard uses. */
export interface Service {
  readonly kind: 'Service';
  readonly namespace: string;
  readonly name: string;
  readonly type: ServiceType;
  /** `clusterIP: None`: no virtual address, DNS answers with the endpoints. */
  readonly headless: boolean;
  /** Virtual addresses, at most one a family; empty when headless or not allocated. */
  readonly clusterIps: readonly string[];
  readonly externalName?: string;
  readonly ports: readonly ServicePort[];
  /** Addresses whose traffic reaches the nodes by other means; canonical, of both families, as written. */
  readonly externalIps?: readonly string[];
  /** `status.loadBalancer.ingress` addresses that keep the packet's destination (`ipMode` VIP, KEP-1860); canonical. */
  readonly loadBalancerIps?: readonly string[];
  /** Who may use the load balancer's addresses, in CIDR notation and in the order written; absent = everybody. */
  readonly loadBalancerSourceRanges?: readonly string[];
  /** Where load balancers ask a node for local endpoints, when allocated. */
  readonly healthCheckNodePort?: number;
  /** Traffic to the cluster address goes to endpoints of the same node only (KEP-2086); absent = to all. */
  readonly internalTrafficPolicy?: 'Local';
  /** The same for traffic from outside of the cluster; absent = to all. */
  readonly externalTrafficPolicy?: 'Local';
  /** Namespaces whose callers see it: names, `.` its own, `*` all, `~` none; empty or absent: all. DNS and rules do not ask. */
  readonly exportTo?: readonly string[];
  /** Calls go to near endpoints as long as there are any (KEP-3015); absent = to all alike. `PreferClose` is the same zone. */
  readonly trafficDistribution?: 'PreferSameZone' | 'PreferSameNode';
  /** `sessionAffinity: ClientIP`: seconds for which a client's new connections go where its last one went. */
  readonly sessionAffinityTimeoutS?: number;
  /** Label `service.kubernetes.io/service-proxy-name`: kube-proxy leaves the Service to the proxy of that name. */
  readonly serviceProxyName?: string;
  /** Annotations under `steelyard.dev/` about balancing (docs/annotations.md); absent: none. */
  readonly annotations?: AnnotationSettings;
  /** Annotation `steelyard.dev/grpc`: the TCP ports that carry gRPC, perhaps none; absent: see their protocol. */
  readonly grpcPorts?: readonly number[];
  readonly position?: SourcePosition;
}

/** Tri-state already resolved: nil `ready` and `serving` mean true, nil `terminating` means false (KEP-1672). */
export interface EndpointConditions {
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
}

/** One address and port of a Service port: what a call or a connection can land on. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly family: IpFamily;
  readonly conditions: EndpointConditions;
  /** It is the address of a Service: another connection may reach another pod. */
  readonly isService?: true;
  /** Name of the Pod behind it, when the slice says (`targetRef`). */
  readonly podName?: string;
  /** `hostname` of the slice's endpoint, for DNS names. */
  readonly hostname?: string;
  readonly nodeName?: string;
  /** Of its Node, when that is known. */
  readonly region?: string;
  /** Of its Node, else as the slice says. */
  readonly zone?: string;
  /** Label `topology.istio.io/subzone` of its Node. */
  readonly subzone?: string;
  /** The zones and nodes that the slice's `hints` set it aside for (KEP-2433, KEP-3015); absent = none named. */
  readonly zoneHints?: readonly string[];
  readonly nodeHints?: readonly string[];
  /** Labels of the Pod, when the Pod object is known. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** `ip:port`, IPv6 in brackets: what endpoints are told apart and ordered by. */
export function renderEndpointAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** A Node, trimmed to what decides the Service rules written on it. */
export interface ClusterNode {
  readonly name: string;
  /** Labels `topology.kubernetes.io/region` and `/zone`, `topology.istio.io/subzone`. */
  readonly region?: string;
  readonly zone?: string;
  readonly subzone?: string;
  /** `status.addresses` of type InternalIP, canonical. */
  readonly internalIps: readonly string[];
  /** `spec.podCIDRs`. */
  readonly podCidrs: readonly string[];
}

/** A Service port joined with its endpoints over all slices and families. */
export interface ServicePortEndpoints {
  readonly port: ServicePort;
  /** Every endpoint whatever its conditions, de-duplicated, ordered by the plain string `ip:port`. */
  readonly endpoints: readonly Endpoint[];
}

/** A Service and all that is behind it. */
export interface ServiceEntry {
  readonly service: Service;
  readonly ports: readonly ServicePortEndpoints[];
  /** Of a headless Service without ports, whose name still has the addresses; their port is 0. Else absent. */
  readonly portless?: readonly Endpoint[];
}

/** `name.namespace` keys of {@link Snapshot.services} are written `namespace/name`, as kubectl does. */
export function serviceKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

export function refOf(object: { kind: string; namespace: string; name: string }): ObjectRef {
  return { kind: object.kind, namespace: object.namespace, name: object.name };
}
