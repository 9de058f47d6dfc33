import type { ObjectRef, SourcePosition } from './diagnostic.ts';

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
  /** Name of the Pod behind it, when the slice says (`targetRef`). */
  readonly podName?: string;
  /** `hostname` of the slice's endpoint, for DNS names. */
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly zone?: string;
  /** Labels of the Pod, when the Pod object is known. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** `ip:port`, IPv6 in brackets: what endpoints are told apart and ordered by. */
export function renderEndpointAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
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
}

/** `name.namespace` keys of {@link Snapshot.services} are written `namespace/name`, as kubectl does. */
export function serviceKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

export function refOf(object: { kind: string; namespace: string; name: string }): ObjectRef {
  return { kind: object.kind, namespace: object.namespace, name: object.name };
}
