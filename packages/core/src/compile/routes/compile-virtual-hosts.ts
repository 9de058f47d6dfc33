import type { VirtualService } from '../../config/index.ts';
import {
  type LeftOutRule,
  refOf,
  type Route,
  type ServiceEntry,
  serviceKey,
  type VirtualHost,
} from '../../model/index.ts';
import { clusterName } from '../clusters/compile-clusters.ts';
import { type CompiledRoutes, compileRoutes, hasRuleFor, type RouteScope } from './compile-route.ts';
import { isVisible } from '../export-to.ts';
import { serviceHost } from '../host-names.ts';
import { mergeDelegates, type OwnedRule } from './merge-delegates.ts';
import { reportConflicts } from './report-conflicts.ts';
import type { VirtualServiceLookup } from './select-virtual-service.ts';

/**
 * A virtual host for every TCP port of every Service that has endpoints of its own, and for every other host that
 * VirtualServices speak of.
 */
export function compileVirtualHosts(
  services: ReadonlyMap<string, ServiceEntry>,
  virtualServices: readonly VirtualService[],
  lookup: VirtualServiceLookup,
  scope: RouteScope,
): ReadonlyMap<string, VirtualHost> {
  const virtualHosts = new Map<string, VirtualHost>();
  const add = (host: VirtualHost): void => void virtualHosts.set(host.name, host);
  const rulesOf = createRuleMerger(virtualServices, scope);
  for (const { service, ports } of services.values()) {
    if (service.type === 'ExternalName' || !isVisible(service, scope.identity)) continue;
    const host = serviceHost(service.namespace, service.name, scope.clusterDomain);
    const numbers = ports.flatMap(({ port }) => (port.protocol === 'TCP' ? [port.port] : []));
    for (const [port, owners] of decide(host, lookup.find(host), numbers)) {
      const { routes = [defaultRoute(host, port)], ...claimed } = routesOf(owners, rulesOf, port, scope);
      add({ name: `${host}:${port}`, host, port, namespace: service.namespace, routes, ...claimed });
    }
  }
  for (const { host, virtualServices: owners } of lookup.claims) {
    // An alias has no endpoints to send calls to, but rules may send them elsewhere.
    const known = scope.byHost.get(host)?.service;
    if (known !== undefined && known.type !== 'ExternalName') continue;
    for (const [port, deciding] of decide(host, owners, [0, ...portsOf(owners, rulesOf)])) {
      const { routes, ...claimed } = routesOf(deciding, rulesOf, port, scope);
      const { namespace } = claimed.virtualService ?? owners[0];
      if (routes !== undefined) add({ name: `${host}:${port}`, host, port, namespace, routes, ...claimed });
    }
  }
  return virtualHosts;

  /** By port: whose rules are looked at, up to the one that decides; those of all where they are joined. */
  function decide(
    host: string,
    owners: readonly VirtualService[],
    ports: readonly number[],
  ): readonly (readonly [number, readonly VirtualService[]])[] {
    if (lookup.joins || owners.length < 2) return ports.map((port) => [port, owners]);
    const able = ports.map((port) => ({
      port,
      able: owners.filter((owner) => mayDecide(owner, rulesOf, port, scope)),
    }));
    reportConflicts(host, owners, able, scope.report);
    return able.map(({ port, able: [decider] }) => [
      port,
      decider === undefined ? owners : owners.slice(0, owners.indexOf(decider) + 1),
    ]);
  }
}

type RulesOf = (virtualService: VirtualService) => readonly OwnedRule[];

/** Rules that can never hold here are rules all the same: no call to the host has a route. */
function mayDecide(owner: VirtualService, rulesOf: RulesOf, port: number, scope: RouteScope): boolean {
  return owner.http?.length === 0 || hasRuleFor(rulesOf(owner), owner, port, scope);
}

/** Merges each VirtualService with those it delegates to, once. */
function createRuleMerger(virtualServices: readonly VirtualService[], scope: RouteScope): RulesOf {
  const delegates = new Map(
    virtualServices.filter(({ hosts }) => hosts.length === 0).map((one) => [serviceKey(one.namespace, one.name), one]),
  );
  const merged = new Map<VirtualService, readonly OwnedRule[]>();
  return (virtualService) => {
    const known = merged.get(virtualService) ?? mergeDelegates(virtualService, delegates, scope);
    merged.set(virtualService, known);
    return known;
  };
}

/** Ports that matches are for: the routes of a host that is no Service differ by them, and by nothing else. */
function portsOf(owners: readonly VirtualService[], rulesOf: RulesOf): ReadonlySet<number> {
  const matches = owners.flatMap(rulesOf).flatMap(({ rule, whyNot }) => (whyNot === undefined ? rule.matches : []));
  return new Set(matches.flatMap(({ port }) => port ?? []));
}

/** Rules that are left out and told of for one virtual host. */
const MOST_LEFT_OUT = 50;

/**
 * No routes when no rule is for these callers and this port: the Service then keeps its default route. Of rules of
 * several VirtualServices, which gateways join, those that take every call come last (pilot/pkg/networking/core/route,
 * `SortVHostRoutes`), and of these only the first counts.
 */
function routesOf(
  owners: readonly VirtualService[],
  rulesOf: RulesOf,
  port: number,
  scope: RouteScope,
): Partial<Pick<VirtualHost, 'routes'>> & Pick<VirtualHost, 'virtualService' | 'leftOut'> {
  const all = owners.map((owner) => ({ owner, ...compileRoutes(rulesOf(owner), owner, port, scope) }));
  const leftOut = joinLeftOut(all);
  const used = all.filter(({ routes }) => routes.length > 0);
  const [first] = used;
  if (first === undefined) {
    // Rules that can never hold here are rules all the same: no call to the host has a route.
    const owner = owners.find(({ http }) => http?.length === 0);
    return { ...leftOut, ...(owner !== undefined && { routes: [], virtualService: refOf(owner) }) };
  }
  const last = used.flatMap(({ takesAll }) => takesAll ?? []);
  const routes = used.flatMap((one) => one.routes).filter((route) => !last.includes(route));
  return {
    routes: [...routes, ...last.slice(0, 1)],
    virtualService: refOf(first.owner),
    ...leftOut,
  };
}

function joinLeftOut(all: readonly CompiledRoutes[]): Pick<VirtualHost, 'leftOut'> {
  const rules: LeftOutRule[] = [];
  let more = 0;
  let before = 0;
  for (const { routes, leftOut } of all) {
    for (const rule of leftOut) {
      if (rules.length === MOST_LEFT_OUT) more++;
      else rules.push({ ...rule, after: before + rule.after });
    }
    before += routes.length;
  }
  return rules.length === 0 ? {} : { leftOut: { rules, ...(more > 0 && { more }) } };
}

function defaultRoute(host: string, port: number): Route {
  return { name: 'default', destinations: [{ cluster: clusterName(host, port, ''), weight: 1 }], totalWeight: 1 };
}
