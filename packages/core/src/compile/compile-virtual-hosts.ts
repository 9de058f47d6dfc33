import type { HttpRule, RouteDestination, VirtualService } from '../config/index.ts';
import {
  type Cluster,
  refOf,
  type Route,
  type ServiceEntry,
  type VirtualHost,
  type WeightedDestination,
} from '../model/index.ts';
import { clusterName, emptyCluster } from './compile-clusters.ts';
import type { CompileReport } from './compile-report.ts';
import { expandedHost, resolveHost, serviceHost } from './host-names.ts';
import type { VirtualServiceLookup } from './select-virtual-service.ts';

interface RouteScope {
  readonly clusterDomain: string;
  /** Every Service by its full name. */
  readonly byHost: ReadonlyMap<string, ServiceEntry>;
  /** Destinations that lead nowhere add a cluster without endpoints here. */
  readonly clusters: Map<string, Cluster>;
  readonly report: CompileReport;
}

/** A virtual host for every TCP port of every Service that has endpoints of its own. */
export function compileVirtualHosts(
  services: ReadonlyMap<string, ServiceEntry>,
  lookup: VirtualServiceLookup,
  scope: RouteScope,
): ReadonlyMap<string, VirtualHost> {
  const virtualHosts = new Map<string, VirtualHost>();
  for (const { service, ports } of services.values()) {
    if (service.type === 'ExternalName') continue;
    const host = serviceHost(service.namespace, service.name, scope.clusterDomain);
    const virtualService = lookup(host);
    for (const { port } of ports) {
      if (port.protocol !== 'TCP') continue;
      const name = `${host}:${port.port}`;
      const routes = virtualService?.http?.map((rule) => compileRoute(virtualService, rule, port.port, scope));
      virtualHosts.set(name, {
        name,
        host,
        port: port.port,
        namespace: service.namespace,
        routes: routes ?? [defaultRoute(host, port.port)],
        ...(virtualService !== undefined && { virtualService: refOf(virtualService) }),
      });
    }
  }
  return virtualHosts;
}

function defaultRoute(host: string, port: number): Route {
  return { name: 'default', destinations: [{ cluster: clusterName(host, port, ''), weight: 1 }], totalWeight: 1 };
}

function compileRoute(virtualService: VirtualService, rule: HttpRule, addressedPort: number, scope: RouteScope): Route {
  const [sole, ...others] = rule.destinations;
  // A sole destination gets all, even with weight 0; of several, those with 0 get nothing (istio.io, HTTPRouteDestination).
  const shares = sole !== undefined && others.length === 0 ? [{ ...sole, weight: 1 }] : rule.destinations;
  const destinations: WeightedDestination[] = [];
  let totalWeight = 0;
  for (const destination of shares) {
    if (destination.weight === 0) continue;
    const cluster = resolveDestination(virtualService, destination, addressedPort, scope);
    destinations.push({ cluster, weight: destination.weight });
    totalWeight += destination.weight;
  }
  return { name: rule.name ?? rule.place.path.replace(/^spec\./, ''), destinations, totalWeight };
}

/** The name of the destination's cluster, which exists afterwards. */
function resolveDestination(
  virtualService: VirtualService,
  destination: RouteDestination,
  addressedPort: number,
  scope: RouteScope,
): string {
  const host = resolveHost(destination.host, virtualService.namespace, scope.clusterDomain);
  const entry = scope.byHost.get(host);
  const tcpPorts = entry?.ports.filter(({ port }) => port.protocol === 'TCP').map(({ port }) => port.port) ?? [];
  const [onlyPort, ...otherPorts] = tcpPorts;
  const defaultPort = onlyPort !== undefined && otherPorts.length === 0 ? onlyPort : addressedPort;
  const port = destination.port ?? defaultPort;
  const subset = destination.subset ?? '';
  const name = clusterName(host, port, subset);
  if (!scope.clusters.has(name)) {
    scope.clusters.set(name, emptyCluster(host, port, subset));
  }
  reportDestination(virtualService, destination, { host, port, subset, tcpPorts, entry }, scope);
  return name;
}

interface Resolved {
  readonly host: string;
  readonly port: number;
  readonly subset: string;
  readonly tcpPorts: readonly number[];
  readonly entry: ServiceEntry | undefined;
}

function reportDestination(
  virtualService: VirtualService,
  { host: written, place }: RouteDestination,
  { host, port, subset, tcpPorts, entry }: Resolved,
  { clusterDomain, byHost, clusters, report }: RouteScope,
): void {
  const fails = 'its share of the calls fails';
  if (entry === undefined) {
    const meant = expandedHost(written, clusterDomain);
    if (meant !== undefined && byHost.has(meant)) {
      const message = `Host ${written} is not expanded, as it has a dot, and ${fails}; write ${meant}.`;
      report.add('host-not-expanded', virtualService, message, place);
      return;
    }
    report.add('destination-unknown-host', virtualService, `Host ${host} is no known Service; ${fails}.`, place);
  } else if (entry.service.type === 'ExternalName') {
    const message = `Service ${host} is a DNS alias without endpoints of its own; ${fails}.`;
    report.add('destination-unknown-host', virtualService, message, place);
  } else if (!tcpPorts.includes(port)) {
    const message = `Service ${host} has no TCP port ${port} (it has ${tcpPorts.join(', ') || 'none'}); ${fails}.`;
    report.add('destination-unknown-port', virtualService, message, place);
  } else if (subset !== '' && clusters.get(clusterName(host, port, subset))?.destinationRule === undefined) {
    // Only a DestinationRule makes a cluster of a subset; one without it was put in as empty.
    const message = `No DestinationRule for ${host} defines subset "${subset}"; ${fails}.`;
    report.add('destination-unknown-subset', virtualService, message, place);
  }
}
