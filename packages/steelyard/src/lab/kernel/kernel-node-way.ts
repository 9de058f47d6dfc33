import { selectPorts } from '../../netfilter/index.ts';
import { formatAddress } from '../../net-address.ts';
import { startChild } from '../processes/child-process.ts';
import { proxyBalancing } from '../ways/proxy-balancing.ts';
import type { OpenWay } from '../ways/way-context.ts';
import type { KernelContext } from './kernel-bed.ts';
import { applyServiceRules } from './kernel-service-way.ts';

/** The caller dials the Service's address as on the service way; node mode's rules are ahead of those of kube-proxy. */
export async function openKernelNode(context: KernelContext): Promise<OpenWay | string> {
  const { target, snapshot } = context;
  const { service } = target.entry;
  const { port } = target.port.port;
  const isOurs = (each: { namespace: string; name: string; port: number }): boolean =>
    each.namespace === service.namespace && each.name === service.name && each.port === port;
  const { balanced, left } = selectPorts(snapshot);
  if (!balanced.some(isOurs)) {
    return `node mode leaves ${service.namespace}/${service.name}:${port} to kube-proxy: ${left.find(isOurs)?.because ?? 'it has no address'}`;
  }
  const balancing = proxyBalancing(context);
  if (typeof balancing === 'string') return balancing;
  await applyServiceRules(context);
  await startNode(context);
  const address = { host: target.clusterIp, port };
  return {
    way: 'node',
    target: formatAddress(address),
    env: {},
    ...balancing,
    how: `the kernel hands connections to ${formatAddress(address)} to the node's proxy, which picks ${balancing.how}`,
    address,
  };
}

/** Node mode as a process on the node; its rules are in effect when this resolves. */
async function startNode(context: KernelContext): Promise<void> {
  const { snapshot, namespace, logLevel, net } = context;
  const node = startChild({ module: '../kernel/node-main.js', name: 'node mode', networkOf: net.node.pid });
  context.cleanup.defer(() => node.stop());
  const seed = context.seed + 3;
  await node.ask({ kind: 'start-node', snapshot, address: net.nodeAddress, namespace, seed, logLevel }, 'listening');
}
