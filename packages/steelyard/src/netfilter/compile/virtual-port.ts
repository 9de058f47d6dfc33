import type { Endpoint, IpFamily, Protocol, Service, ServiceEntry } from '@steelyard/core/model';
import { addressPortOf, servicePortName } from './chain-name.ts';
import { reachableEndpoints } from './reachable-endpoints.ts';
import type { RuleSetOptions } from './rule-options.ts';

export interface VirtualPortEndpoint {
  readonly address: string;
  readonly port: number;
  /** `ip:port`, IPv6 in brackets. */
  readonly addressPort: string;
  /** On the node that the rules are for. */
  readonly local: boolean;
}

/** A port of a Service that has a virtual address in the family: all that its rules depend on. */
export interface VirtualPort {
  readonly namespace: string;
  readonly service: string;
  readonly portName: string;
  /** `ns/name:port` */
  readonly name: string;
  readonly protocol: Protocol;
  readonly clusterIp: string;
  readonly port: number;
  readonly nodePort: number | undefined;
  readonly externalIps: readonly string[];
  readonly loadBalancerIps: readonly string[];
  /** Empty: everybody. */
  readonly sourceRanges: readonly string[];
  readonly healthCheckNodePort: number | undefined;
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
  readonly affinityTimeoutS: number | undefined;
  /** For traffic that may go to any node; in the order of the rules. */
  readonly clusterEndpoints: readonly VirtualPortEndpoint[];
  /** For traffic that must stay on this node. */
  readonly localEndpoints: readonly VirtualPortEndpoint[];
  /** All that some chain of the port leads to. */
  readonly reachable: readonly VirtualPortEndpoint[];
  /** Some endpoint takes connections, on this node or another. */
  readonly hasEndpoints: boolean;
}

/** In the order of `ns/name:port`, then of the protocol: equal Snapshots give equal rules. */
export function comparePorts(a: VirtualPort, b: VirtualPort): number {
  return compareText(a.name, b.name) || compareText(a.protocol, b.protocol);
}

export function isExternallyAccessible(port: VirtualPort): boolean {
  return port.nodePort !== undefined || port.externalIps.length > 0 || port.loadBalancerIps.length > 0;
}

/** Local policy holds for a path, and no endpoint for it is on this node: connections vanish instead of being refused. */
export function hasExternalEndpoints(port: VirtualPort): boolean {
  return port.externalLocal ? port.localEndpoints.length > 0 : port.hasEndpoints;
}

export function hasInternalEndpoints(port: VirtualPort): boolean {
  return port.internalLocal ? port.localEndpoints.length > 0 : port.hasEndpoints;
}

/** A port and the number of its endpoints of the family, whatever their state. */
export interface CountedPort {
  readonly port: VirtualPort;
  readonly endpointCount: number;
}

/** The ports of a Service that have rules; none where it has no virtual address in the family. */
export function virtualPorts({ service, ports }: ServiceEntry, options: RuleSetOptions): readonly CountedPort[] {
  const { family } = options;
  const clusterIp = service.clusterIps.find((address) => isOf(family, address));
  if (service.headless || service.type === 'ExternalName' || clusterIp === undefined) return [];
  // Another proxy's (kube-proxy does not even list them).
  if (service.serviceProxyName !== undefined) return [];
  const addresses = addressesOf(service, family);
  return ports.map(({ port, endpoints }) => {
    // kube-proxy has one proxier a family, so ready or terminating is decided within the family.
    const ofFamily = endpoints.filter((endpoint) => endpoint.family === family);
    const outward = port.nodePort !== undefined || addresses.externalIps.length + addresses.loadBalancerIps.length > 0;
    const internalLocal = service.internalTrafficPolicy === 'Local';
    const externalLocal = service.externalTrafficPolicy === 'Local';
    const chosen = reachableEndpoints(ofFamily, {
      usesCluster: !internalLocal || outward,
      usesLocal: internalLocal || (externalLocal && outward),
      nodeName: options.node?.name,
      zone: options.node?.zone,
    });
    const isLocal = ({ nodeName }: Endpoint): boolean => nodeName !== undefined && nodeName === options.node?.name;
    const list = (some: readonly Endpoint[]): readonly VirtualPortEndpoint[] =>
      some
        .map((each) => ({
          address: each.address,
          port: each.port,
          addressPort: addressPortOf(each.address, each.port),
          local: isLocal(each),
        }))
        // kube-proxy sorts the plain strings: 10.0.0.10:80 comes before 10.0.0.2:80.
        .toSorted((a, b) => compareText(a.addressPort, b.addressPort));
    return {
      endpointCount: ofFamily.length,
      port: {
        namespace: service.namespace,
        service: service.name,
        portName: port.name,
        name: servicePortName(service.namespace, service.name, port.name),
        protocol: port.protocol,
        clusterIp,
        port: port.port,
        nodePort: port.nodePort,
        ...addresses,
        healthCheckNodePort: externalLocal ? service.healthCheckNodePort : undefined,
        internalLocal,
        externalLocal,
        affinityTimeoutS: service.sessionAffinityTimeoutS,
        clusterEndpoints: list(chosen.cluster),
        localEndpoints: list(chosen.local),
        reachable: list(chosen.reachable),
        hasEndpoints: chosen.hasEndpoints,
      },
    };
  });
}

function addressesOf(
  service: Service,
  family: IpFamily,
): Pick<VirtualPort, 'externalIps' | 'loadBalancerIps' | 'sourceRanges'> {
  const ranges = (service.loadBalancerSourceRanges ?? []).filter((range) => isOf(family, range));
  return {
    externalIps: (service.externalIps ?? []).filter((address) => isOf(family, address)),
    loadBalancerIps: (service.loadBalancerIps ?? []).filter((address) => isOf(family, address)),
    // A range of length 0 lets everybody in, as no range does.
    sourceRanges: ranges.some((range) => range.endsWith('/0')) ? [] : ranges,
  };
}

function isOf(family: IpFamily, address: string): boolean {
  return address.includes(':') === (family === 'IPv6');
}

/** By code unit, as Go compares strings of ASCII; never by locale. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
