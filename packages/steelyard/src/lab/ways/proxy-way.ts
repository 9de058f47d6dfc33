import type { Cluster } from '@steelyard/core/model';
import { caveatOf } from '../report/caveat.ts';
import { startChild } from '../processes/child-process.ts';
import { routedShares } from './expected-shares.ts';
import { formatAddress } from '../../net-address.ts';
import { podKey } from '../lab-target.ts';
import { mapEndpoints } from '../processes/map-endpoints.ts';
import type { OpenWay, WayContext } from './way-context.ts';

/** The L7 proxy in a process of its own; the caller has one connection to it and knows nothing of pods. */
export async function openProxyWay(context: WayContext): Promise<OpenWay | string> {
  const { snapshot, target, backends } = context;
  const passed = passedOn(context);
  if (passed !== undefined) return passed;
  const { service } = target.entry;
  const proxy = startChild({ module: './proxy-main.js', name: 'the proxy' });
  context.cleanup.defer(() => proxy.stop());
  const { address } = await proxy.ask(
    {
      kind: 'start-proxy',
      snapshot: mapEndpoints(snapshot, (endpoint) => backends.addresses.get(podKey(endpoint))),
      service: { namespace: service.namespace, name: service.name, port: target.port.port.port },
      namespace: context.namespace,
      seed: context.seed + 2,
      logLevel: context.logLevel,
    },
    'listening',
  );
  const { how, ...balancing } = proxyBalancing(context);
  return {
    way: 'proxy',
    target: formatAddress(address),
    env: {},
    // As behind a sidecar: the caller names the Service, whatever address it dials.
    authority: target.virtualHost.name,
    ...balancing,
    how: `the proxy picks ${how}`,
    address,
  };
}

/** Why the proxy's share of the experiment would be that of the kernel's rules; `undefined` when it would not. */
export function passedOn(context: Pick<WayContext, 'snapshot' | 'target'>): string | undefined {
  if (!clustersOf(context).some(({ toServiceAddress }) => toServiceAddress === true)) return undefined;
  return "PASSTHROUGH sends the proxy's calls to the Service's address, from where they go the way service";
}

/** What the proxy makes of the Service's calls, wherever it is. `how` goes on after "picks". */
export function proxyBalancing(
  context: Pick<WayContext, 'snapshot' | 'target'>,
): Pick<OpenWay, 'awaitPods' | 'expected' | 'balancedBy' | 'how' | 'caveat'> {
  const expected = routedShares(context.snapshot, context.target.virtualHost);
  const clusters = clustersOf(context);
  const policies = [...new Set(clusters.map((cluster) => cluster.loadBalancer.kind))].join(' and ');
  const weighted = clusters.length > 1 ? "the route's weights and " : '';
  return {
    awaitPods: expected.size,
    expected,
    balancedBy: `the proxy's ${weighted}${policies}`,
    how: `a pod for every call (${weighted}${policies}${sourceOf(clusters)})`,
    ...caveatOf(clusters.map((cluster) => cluster.loadBalancer)),
  };
}

function clustersOf({ snapshot, target }: Pick<WayContext, 'snapshot' | 'target'>): Cluster[] {
  const destinations = target.virtualHost.routes[0]?.destinations ?? [];
  return destinations.flatMap(({ cluster }) => snapshot.clusters.get(cluster) ?? []);
}

function sourceOf(clusters: readonly Cluster[]): string {
  const rules = clusters.flatMap(({ destinationRule: rule }) =>
    rule === undefined ? [] : `${rule.namespace}/${rule.name}`,
  );
  if (rules.length === 0) return ', the default';
  return `, DestinationRule ${[...new Set(rules)].join(', ')}`;
}
