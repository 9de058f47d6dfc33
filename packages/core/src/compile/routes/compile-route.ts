import {
  followAlias,
  hasNoCondition,
  type HttpMatch,
  type HttpRule,
  type RouteDestination,
  type VirtualService,
  type WeightedRouteDestination,
} from '../../config/index.ts';
import {
  type Cluster,
  type DelegatingRule,
  type LeftOutRule,
  type Mirror,
  refOf,
  type Route,
  type ServiceEntry,
  type WeightedDestination,
} from '../../model/index.ts';
import { type ClientIdentity, whyNotMeant } from '../client-identity.ts';
import { clusterName, emptyCluster } from '../clusters/compile-clusters.ts';
import type { CompileReport } from '../compile-report.ts';
import { expandedHost, resolveHost, serviceHost } from '../host-names.ts';
import { joinDestination } from './join-destination.ts';
import type { Delegation, OwnedRule } from './merge-delegates.ts';
import { reportUnknownLabels } from '../report-unknown-callers.ts';
import { withWrittenPaths } from './written-paths.ts';

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
  /** The last of them, if it takes every call. */
  readonly takesAll?: Route;
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
  const leaveOut = ({ rule, owner }: OwnedRule, why: string): void =>
    void leftOut.push({ name: nameOf(rule), virtualService: refOf(owner), after: routes.length, why });
  for (const owned of rules) {
    const { matches } = owned.rule;
    if (owned.whyNot !== undefined) {
      leaveOut(owned, owned.whyNot);
      continue;
    }
    for (const match of matches) reportLabels(match, owned, scope);
    const misses = matches.map((match) => whyNotMeant(match, port, root.namespace, scope.identity));
    const meant = matches.filter((_, index) => misses[index] === undefined);
    if (matches.length > 0 && meant.length === 0) {
      leaveOut(owned, misses.join('; or '));
      continue;
    }
    const route = compileRoute(owned, port === 0 ? HTTP_PORT : port, scope);
    const all = meant.findIndex(({ conditions }) => hasNoCondition(conditions));
    if (meant.length === 0 || all >= 0) {
      const takesAll = withWrittenPaths(route, meant.slice(0, all + 1));
      return { routes: [...routes, takesAll], takesAll, leftOut };
    }
    routes.push(withWrittenPaths({ ...route, matches: meant.map(({ conditions }) => conditions) }, meant));
  }
  return { routes, leftOut };
}

/** Whether the VirtualService has a rule for these callers at this port, whatever the call is like. */
export function hasRuleFor(
  rules: readonly OwnedRule[],
  root: VirtualService,
  port: number,
  { identity }: Pick<RouteScope, 'identity'>,
): boolean {
  return rules.some(({ rule: { matches }, whyNot }) => {
    if (whyNot !== undefined) return false;
    const isMeant = matches.some((match) => whyNotMeant(match, port, root.namespace, identity) === undefined);
    return matches.length === 0 || isMeant;
  });
}

/** A match that is merged may have its `sourceLabels` of the one that delegates to it. */
function reportLabels(match: HttpMatch, { owner, delegatedBy }: OwnedRule, { identity, report }: RouteScope): void {
  const { within, gateways, sourceLabels } = match;
  if (within === undefined || delegatedBy === undefined) return reportUnknownLabels(match, owner, identity, report);
  reportUnknownLabels({ ...within, gateways }, delegatedBy.owner, identity, report);
  const own = Object.fromEntries(
    Object.entries(sourceLabels).filter(([key]) => !Object.hasOwn(within.sourceLabels, key)),
  );
  reportUnknownLabels({ ...match, sourceLabels: own }, owner, identity, report);
}

function nameOf({ name, place }: HttpRule): string {
  return name ?? place.path.replace(/^spec\./, '');
}

function compileRoute({ rule, owner, delegatedBy }: OwnedRule, addressedPort: number, scope: RouteScope): Route {
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
  const mirrorsOf = delegatedBy?.fields.has('mirrors') === true ? delegatedBy.owner : owner;
  const mirrors = rule.mirrors?.map((mirror): Mirror => ({
    cluster: resolveDestination(mirrorsOf, mirror, addressedPort, scope, 'its copies go nowhere'),
    percent: mirror.percent,
    path: mirror.place.path.replace(/\.destination$/, ''),
  }));
  const { answer, timeoutMs, retry, fault } = rule;
  return {
    name: nameOf(rule),
    path: rule.place.path,
    virtualService: refOf(owner),
    ...(delegatedBy !== undefined && delegatedBy.fields.size > 0 && { delegatedBy: delegatingRule(delegatedBy) }),
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

/** Fields as manifests call them, where the rule read from them calls them otherwise. */
const WRITTEN: Readonly<Partial<Record<string, string>>> = { timeoutMs: 'timeout', retry: 'retries' };

function delegatingRule({ rule, owner, fields }: Delegation): DelegatingRule {
  const written = [...fields].map((field) => WRITTEN[field] ?? field);
  return { virtualService: refOf(owner), path: rule.place.path, fields: written };
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
  const named = resolveHost(destination.host, virtualService.namespace, scope.clusterDomain);
  const { host, entry } = followDestination(named, scope);
  const tcpPorts = entry === undefined ? [] : tcpPortsOf(entry);
  // Those of an alias itself, where the destination is one (pilot/pkg/networking/core/route, `GetDestinationCluster`).
  const [onlyPort, ...otherPorts] = tcpPortsOf(scope.byHost.get(named));
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

/** The Service meant, and its name: of an alias the one it leads to, as long as that is one. */
function followDestination(
  host: string,
  { byHost, clusterDomain }: RouteScope,
): { readonly host: string; readonly entry: ServiceEntry | undefined } {
  const entry = byHost.get(host);
  const end = entry && followAlias(entry, (alias) => byHost.get(alias));
  if (end === undefined || end === entry) return { host, entry };
  return { host: serviceHost(end.service.namespace, end.service.name, clusterDomain), entry: end };
}

function tcpPortsOf(entry: ServiceEntry | undefined): readonly number[] {
  return entry?.ports.flatMap(({ port }) => (port.protocol === 'TCP' ? [port.port] : [])) ?? [];
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
    const alias = entry.service.externalName ?? '';
    const message = `Service ${host} is a DNS alias without endpoints of its own, and leads to no Service of the cluster (${alias}); ${fails}.`;
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
