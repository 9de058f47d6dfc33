import type { Cluster } from '@steelyard/core/model';
import { renderEndpointAddress } from '@steelyard/core/model';
import { explainCall, findRoute, type RouteRequest } from '@steelyard/core/routing';
import { podKey } from '../lab-target.ts';
import { ECHO_SERVICE_NAME } from '../processes/echo-definition.ts';
import { caveatOf } from '../report/caveat.ts';
import type { Shares } from './expected-shares.ts';
import type { OpenWay, WayContext } from './way-context.ts';

type Target = Pick<WayContext, 'snapshot' | 'target' | 'namespace'>;

/** `how` goes on after "picks". */
export type ProxyBalancing = Pick<OpenWay, 'awaitPods' | 'expected' | 'balancedBy' | 'how' | 'caveat'>;

/**
 * What the proxy makes of the lab's calls, wherever it is: decided by the code that decides about calls. Or why it would show
 * nothing: the calls get to no pod, or past the proxy's choice.
 */
export function proxyBalancing(context: Target): ProxyBalancing | string {
  const { snapshot, target, namespace } = context;
  const { service } = target.entry;
  const request = labRequest(target.virtualHost.name);
  const clusters = clustersOf(context, request);
  if (clusters.some(({ toServiceAddress }) => toServiceAddress === true)) {
    return "PASSTHROUGH sends the proxy's calls to the Service's address, from where they go the way service";
  }
  const options = {
    namespace,
    listenPort: target.port.port.port,
    service: { namespace: service.namespace, name: service.name, port: target.port.port.port },
  };
  const { outcome, shares } = explainCall(snapshot, request, options);
  if (outcome !== 'forwarded') {
    const what = outcome === 'answered' ? 'are answered by their route, and no pod gets any' : 'have no pod to go to';
    return `calls of ${request.path} ${what}: \`steelyard explain ${target.virtualHost.name}${request.path}\` says why`;
  }
  const keys = new Map(
    clusters.flatMap(({ endpoints }) =>
      endpoints.map((endpoint) => [renderEndpointAddress(endpoint.address, endpoint.port), podKey(endpoint)] as const),
    ),
  );
  const expected = sharesOfPods(shares.map(({ endpoint, share }) => ({ key: keys.get(endpoint) ?? endpoint, share })));
  const policies = [...new Set(clusters.map((cluster) => cluster.loadBalancer.kind))].join(' and ');
  const choice = clusters.length > 1 ? `${policies} within the route's weights` : policies;
  return {
    awaitPods: [...expected.values()].filter((share) => share > 0).length,
    expected,
    balancedBy: `the proxy's ${choice}`,
    how: `a pod for every call (${choice}${sourceOf(clusters)})`,
    ...caveatOf(clusters.map((cluster) => cluster.loadBalancer)),
  };
}

/** A call as the lab's caller makes it, which says nothing of its own. */
function labRequest(authority: string): RouteRequest {
  const headers = new Map([
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ]);
  return {
    authority,
    path: `/${ECHO_SERVICE_NAME}/Say`,
    method: 'POST',
    scheme: 'http',
    header: (name) => headers.get(name),
  };
}

function clustersOf({ snapshot, target }: Target, request: RouteRequest): Cluster[] {
  const destinations = findRoute(target.virtualHost, request)?.route.destinations ?? [];
  return destinations.flatMap(({ cluster }) => snapshot.clusters.get(cluster) ?? []);
}

/** A pod may be of several clusters. What leads nowhere is nobody's share: those calls fail. */
function sharesOfPods(parts: readonly { readonly key: string; readonly share: number }[]): Shares {
  const total = parts.reduce((sum, { share }) => sum + share, 0);
  const shares = new Map<string, number>();
  for (const { key, share } of parts) shares.set(key, (shares.get(key) ?? 0) + share / total);
  return shares;
}

function sourceOf(clusters: readonly Cluster[]): string {
  const rules = clusters.flatMap(({ destinationRule: rule }) =>
    rule === undefined ? [] : `${rule.namespace}/${rule.name}`,
  );
  if (rules.length === 0) return ', the default';
  return `, DestinationRule ${[...new Set(rules)].join(', ')}`;
}
