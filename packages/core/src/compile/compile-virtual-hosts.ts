import type { VirtualService } from '../config/index.ts';
import { refOf, type Route, type ServiceEntry, serviceKey, type VirtualHost } from '../model/index.ts';
import { clusterName } from './compile-clusters.ts';
import { compileRoutes, type RouteScope } from './compile-route.ts';
import { serviceHost } from './host-names.ts';
import { mergeDelegates, type OwnedRule } from './merge-delegates.ts';
import type { VirtualServiceLookup } from './select-virtual-service.ts';

/** A virtual host for every TCP port of every Service that has endpoints of its own. */
export function compileVirtualHosts(
  services: ReadonlyMap<string, ServiceEntry>,
  virtualServices: readonly VirtualService[],
  lookup: VirtualServiceLookup,
  scope: RouteScope,
): ReadonlyMap<string, VirtualHost> {
  const virtualHosts = new Map<string, VirtualHost>();
  const delegates = new Map(
    virtualServices.filter(({ hosts }) => hosts.length === 0).map((one) => [serviceKey(one.namespace, one.name), one]),
  );
  const merged = new Map<VirtualService, readonly OwnedRule[]>();
  const rulesOf = (virtualService: VirtualService): readonly OwnedRule[] => {
    const known = merged.get(virtualService) ?? mergeDelegates(virtualService, delegates, scope.report);
    merged.set(virtualService, known);
    return known;
  };
  for (const { service, ports } of services.values()) {
    if (service.type === 'ExternalName') continue;
    const host = serviceHost(service.namespace, service.name, scope.clusterDomain);
    const virtualService = lookup(host);
    for (const { port } of ports) {
      if (port.protocol !== 'TCP') continue;
      const name = `${host}:${port.port}`;
      const routes = virtualService && routesOf(virtualService, rulesOf(virtualService), port.port, scope);
      virtualHosts.set(name, {
        name,
        host,
        port: port.port,
        namespace: service.namespace,
        routes: routes ?? [defaultRoute(host, port.port)],
        ...(virtualService !== undefined && routes !== undefined && { virtualService: refOf(virtualService) }),
      });
    }
  }
  return virtualHosts;
}

/**
 * `undefined` when no rule is for these callers and this port: the Service then keeps its default route. An object all
 * of whose rules are broken or lead nowhere does not: its calls have no route.
 */
function routesOf(
  virtualService: VirtualService,
  rules: readonly OwnedRule[],
  port: number,
  scope: RouteScope,
): readonly Route[] | undefined {
  const routes = compileRoutes(rules, virtualService, port, scope);
  return routes.length === 0 && rules.length > 0 ? undefined : routes;
}

function defaultRoute(host: string, port: number): Route {
  return { name: 'default', destinations: [{ cluster: clusterName(host, port, ''), weight: 1 }], totalWeight: 1 };
}
