import {
  hasNoCondition,
  type HttpRule,
  type RouteDestination,
  type VirtualService,
  type WeightedRouteDestination,
} from '../../config/index.ts';
import {
  type Cluster,
  type LeftOutRule,
  type Mirror,
  refOf,
  type Route,
  type RouteMatch,
  type ServiceEntry,
  type WeightedDestination,
} from '../../model/index.ts';
import { type ClientIdentity, whyNotMeant } from '../client-identity.ts';
import { clusterName, emptyCluster } from '../clusters/compile-clusters.ts';
import type { CompileReport } from '../compile-report.ts';
import { expandedHost, resolveHost } from '../host-names.ts';
import { joinDestination } from './join-destination.ts';
import type { OwnedRule } from './merge-delegates.ts';
import { reportUnknownLabels } from '../report-unknown-callers.ts';

export interface RouteScope {
  readonly clusterDomain: string;
  readonly identity: ClientIdentity;
  /** Every Service by its full name. */
  readonly byHost: ReadonlyMap<string, ServiceEntry>;
  /** Destinations that lead nowhere add a cluster without endpoints here. */
  readonly clusters: Map<string, Cluster>;
  readonly report: CompileReport;
}

/** Where Istio's sidecars serve hosts that are no Services. */
const HTTP_PORT = 80;

export interface CompiledRoutes {
  readonly routes: readonly Route[];
  readonly leftOut: readonly LeftOutRule[];
}

/**
 * The routes of one port, in order. Matches that are not for these callers or this port are gone, and with the last of
 * them their rule, which is left out; what stands behind a route that takes every call is gone too.
 *
 * @param port 0: any that no rule names
 */
export function compileRoutes(
  rules: readonly OwnedRule[],
  root: VirtualService,
  port: number,
  scope: RouteScope,
): CompiledRoutes {
  const routes: Route[] = [];
  const leftOut: LeftOutRule[] = [];
  for (const { rule, owner } of rules) {
    for (const match of rule.matches) reportUnknownLabels(match, owner, scope.identity, scope.report);
    const misses = rule.matches.map((match) => whyNotMeant(match, port, root.namespace, scope.identity));
    const meant = rule.matches.filter((_, index) => misses[index] === undefined);
    if (rule.matches.length > 0 && meant.length === 0) {
      const why = misses.join('; or ');
      leftOut.push({ name: nameOf(rule), virtualService: refOf(owner), after: routes.length, why });
      continue;
    }
    const takesAll = meant.length === 0 || meant.some(({ conditions }) => hasNoCondition(conditions));
    const route = compileRoute(rule, owner, port === 0 ? HTTP_PORT : port, scope);
    routes.push(takesAll ? route : { ...route, matches: meant.map(({ conditions }): RouteMatch => conditions) });
    if (takesAll) break;
  }
  return { routes, leftOut };
}

function nameOf({ name, place }: HttpRule): string {
  return name ?? place.path.replace(/^spec\./, '');
}

function compileRoute(rule: HttpRule, owner: VirtualService, addressedPort: number, scope: RouteScope): Route {
  const [first, ...others] = rule.destinations;
  const sole = others.length === 0 ? first : undefined;
  const { rewrite, headers } = sole === undefined ? rule : joinDestination(rule, sole);
  // A sole destination gets all, even with weight 0; of several, those with 0 get nothing (istio.io, HTTPRouteDestination).
  const shares = sole === undefined ? rule.destinations : [{ ...sole, weight: 1 }];
  const destinations: WeightedDestination[] = [];
  let totalWeight = 0;
  for (const destination of shares) {
    if (destination.weight === 0) continue;
    const cluster = resolveDestination(owner, destination, addressedPort, scope);
    destinations.push({ cluster, weight: destination.weight, ...(sole === undefined && changesOf(destination)) });
    totalWeight += destination.weight;
  }
  const mirrors = rule.mirrors?.map((mirror): Mirror => ({
    cluster: resolveDestination(owner, mirror, addressedPort, scope, 'its copies go nowhere'),
    percent: mirror.percent,
    path: mirror.place.path.replace(/\.destination$/, ''),
  }));
  const { answer, timeoutMs, retry, fault } = rule;
  return {
    name: nameOf(rule),
    path: rule.place.path,
    virtualService: refOf(owner),
    destinations,
    totalWeight,
    ...(answer !== undefined && { answer }),
    ...(rewrite !== undefined && { rewrite }),
    ...(headers !== undefined && { headers }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retry !== undefined && { retry }),
    ...(fault !== undefined && { fault }),
    ...(mirrors !== undefined && { mirrors }),
  };
}

function changesOf({ headers, authority }: WeightedRouteDestination): Partial<WeightedDestination> {
  return { ...(headers !== undefined && { headers }), ...(authority !== undefined && { authority }) };
}

/** The name of the destination's cluster, which exists afterwards. */
function resolveDestination(
  virtualService: VirtualService,
  destination: RouteDestination,
  addressedPort: number,
  scope: RouteScope,
  fails = 'its share of the calls fails',
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
  reportDestination(virtualService, destination, { host, port, subset, tcpPorts, entry, fails }, scope);
  return name;
}

interface Resolved {
  readonly host: string;
  readonly port: number;
  readonly subset: string;
  readonly tcpPorts: readonly number[];
  readonly entry: ServiceEntry | undefined;
  readonly fails: string;
}

function reportDestination(
  virtualService: VirtualService,
  { host: written, place }: RouteDestination,
  { host, port, subset, tcpPorts, entry, fails }: Resolved,
  { clusterDomain, byHost, clusters, report }: RouteScope,
): void {
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
