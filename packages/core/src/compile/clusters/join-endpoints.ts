import type { EndpointSlice, SliceEndpoint } from '../../config/index.ts';
import {
  type Endpoint,
  renderEndpointAddress,
  type Service,
  serviceKey,
  type ServicePort,
  type ServicePortEndpoints,
} from '../../model/index.ts';
import type { ObjectsByKind } from '../objects-by-kind.ts';
import { compareStrings } from '../order.ts';

/** Where the objects are that endpoints refer to. */
type KnownPlaces = Pick<ObjectsByKind, 'pods' | 'nodes'>;

/**
 * Joins every port of a Service with the endpoints of all its slices, by port name and protocol: slices of one Service
 * may map the same name to different numbers.
 */
export function joinEndpoints(
  service: Service,
  slices: readonly EndpointSlice[],
  known: KnownPlaces,
): readonly ServicePortEndpoints[] {
  // Equal copies of an endpoint are told apart by nothing but their slice; sorting makes the winner independent of order.
  const sorted = slices.toSorted((a, b) => compareStrings(a.name, b.name));
  return service.ports.map((port) => ({ port, endpoints: joinPort(port, sorted, known) }));
}

/** The endpoints of a headless Service without ports, each once whatever ports its slices have; `undefined` for others. */
export function joinPortless(
  service: Service,
  slices: readonly EndpointSlice[],
  known: KnownPlaces,
): readonly Endpoint[] | undefined {
  if (!service.headless || service.ports.length > 0) return undefined;
  const byAddress = new Map<string, Endpoint>();
  for (const slice of slices.toSorted((a, b) => compareStrings(a.name, b.name))) {
    for (const entry of slice.endpoints) {
      const endpoint = compileEndpoint(slice, entry, 0, known);
      const other = byAddress.get(endpoint.address);
      if (other === undefined || rank(endpoint) > rank(other)) byAddress.set(endpoint.address, endpoint);
    }
  }
  return [...byAddress.values()].toSorted((a, b) => compareStrings(a.address, b.address));
}

function joinPort(port: ServicePort, slices: readonly EndpointSlice[], known: KnownPlaces): readonly Endpoint[] {
  const byAddress = new Map<string, Endpoint>();
  for (const slice of slices) {
    for (const slicePort of slice.ports) {
      if (slicePort.name !== port.name || slicePort.protocol !== port.protocol) continue;
      for (const entry of slice.endpoints) {
        const endpoint = compileEndpoint(slice, entry, slicePort.port, known);
        const key = renderEndpointAddress(endpoint.address, endpoint.port);
        const other = byAddress.get(key);
        if (other === undefined || rank(endpoint) > rank(other)) byAddress.set(key, endpoint);
      }
    }
  }
  // kube-proxy's order, which its chains keep: plain string order, "10.0.0.10:80" before "10.0.0.2:80".
  return [...byAddress.entries()].toSorted(([a], [b]) => compareStrings(a, b)).map(([, endpoint]) => endpoint);
}

/** A Pod may stand in two slices for a moment; the copy that is not terminating is the newer one (kube-proxy). */
function rank({ conditions }: Endpoint): number {
  return (conditions.terminating ? 0 : 4) + (conditions.ready ? 2 : 0) + (conditions.serving ? 1 : 0);
}

function compileEndpoint(
  slice: EndpointSlice,
  entry: SliceEndpoint,
  port: number,
  { pods, nodes }: KnownPlaces,
): Endpoint {
  const { conditions, podName, hostname, nodeName, zoneHints, nodeHints } = entry;
  const labels = podName === undefined ? undefined : pods.get(serviceKey(slice.namespace, podName))?.labels;
  const node = nodeName === undefined ? undefined : nodes.get(nodeName);
  const zone = node?.zone ?? entry.zone;
  return {
    // The addresses of one entry are fungible; kube-proxy uses the first only, and so does everything here.
    address: entry.addresses[0],
    port,
    family: slice.family,
    conditions,
    ...(podName !== undefined && { podName }),
    ...(hostname !== undefined && { hostname }),
    ...(nodeName !== undefined && { nodeName }),
    ...(node?.region !== undefined && { region: node.region }),
    ...(zone !== undefined && { zone }),
    ...(node?.subzone !== undefined && { subzone: node.subzone }),
    ...(zoneHints !== undefined && { zoneHints }),
    ...(nodeHints !== undefined && { nodeHints }),
    ...(labels !== undefined && { labels }),
  };
}
