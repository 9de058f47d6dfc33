import type { HttpRule, RouteDestination, VirtualService } from '../../config/index.ts';
import { serviceKey } from '../../model/index.ts';
import { resolveHost } from '../host-names.ts';
import { compileRoutes, type RouteScope } from '../routes/compile-route.ts';

/**
 * VirtualServices without hosts that nobody delegates to. No route is made of them, so their destinations are looked at
 * here.
 */
export function analyzeDelegates(virtualServices: readonly VirtualService[], scope: RouteScope): void {
  const wanted = new Set(
    virtualServices.flatMap(({ namespace, http = [] }) =>
      http.flatMap(({ delegate }) => (delegate ? [serviceKey(delegate.namespace ?? namespace, delegate.name)] : [])),
    ),
  );
  for (const owner of virtualServices) {
    const key = serviceKey(owner.namespace, owner.name);
    if (owner.hosts.length > 0 || wanted.has(key)) continue;
    const message = `VirtualService ${key} has no hosts, and none delegates to it, so its rules take no call; give it hosts, or delegate to it.`;
    scope.report.add('delegate-unused', owner, message);
    for (const rule of owner.http ?? []) {
      compileRoutes([{ rule: destinationsOf(rule, owner, scope), owner }], owner, 0, scope);
    }
  }
}

/** Nothing else of the rule counts; a destination that names no port leaves it to callers that are not known. */
function destinationsOf(
  rule: HttpRule,
  { namespace }: VirtualService,
  { byHost, clusterDomain }: RouteScope,
): HttpRule {
  const withPort = <T extends RouteDestination>(one: T): T => {
    const ports = byHost.get(resolveHost(one.host, namespace, clusterDomain))?.ports ?? [];
    const port = one.port ?? ports.find((entry) => entry.port.protocol === 'TCP')?.port.port;
    return { ...one, ...(port !== undefined && { port }) };
  };
  return {
    matches: [],
    destinations: rule.destinations.map((one) => withPort(one)),
    ...(rule.mirrors !== undefined && { mirrors: rule.mirrors.map((one) => withPort(one)) }),
    place: rule.place,
  };
}
