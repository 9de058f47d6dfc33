import { startChild } from '../processes/child-process.ts';
import { formatAddress } from '../../net-address.ts';
import { podKey } from '../lab-target.ts';
import { mapEndpoints } from '../processes/map-endpoints.ts';
import { proxyBalancing } from './proxy-balancing.ts';
import type { OpenWay, WayContext } from './way-context.ts';

/** The L7 proxy in a process of its own; the caller has one connection to it and knows nothing of pods. */
export async function openProxyWay(context: WayContext): Promise<OpenWay | string> {
  const { snapshot, target, backends } = context;
  const balancing = proxyBalancing(context);
  if (typeof balancing === 'string') return balancing;
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
  return {
    way: 'proxy',
    target: formatAddress(address),
    env: {},
    // As behind a sidecar: the caller names the Service, whatever address it dials.
    authority: target.virtualHost.name,
    ...balancing,
    how: `the proxy picks ${balancing.how}`,
    address,
  };
}
