import { formatAddress } from '../../net-address.ts';
import { podKey, usablePods } from '../lab-target.ts';
import { startChild } from '../processes/child-process.ts';
import { caveatOf } from '../report/caveat.ts';
import { equalShares } from '../ways/expected-shares.ts';
import { headlessPolicy } from '../ways/headless-way.ts';
import { proxyBalancing } from '../ways/proxy-balancing.ts';
import type { OpenWay } from '../ways/way-context.ts';
import type { KernelContext } from './kernel-bed.ts';

const TTL_SECONDS = 5;

/** The cluster's DNS on the node; the caller resolves the name and calls the pods' own addresses. */
export async function openKernelHeadless(context: KernelContext): Promise<OpenWay | string> {
  const { snapshot, target, backends, net } = context;
  if (typeof target.headless === 'string') return target.headless;
  if (!backends.onePort) return 'a DNS answer has no port, and here pods have several';
  const { entry, port } = target.headless;
  const pods = usablePods(port);
  const podPort = backends.addresses.get(pods[0] === undefined ? '' : podKey(pods[0]))?.port ?? 0;
  const dns = startChild({ module: '../kernel/dns-main.js', name: 'the DNS', networkOf: net.node.pid });
  context.cleanup.defer(() => dns.stop());
  const listen = { host: net.nodeAddress, port: 53 };
  const { address } = await dns.ask(
    {
      kind: 'start-dns',
      snapshot,
      listen,
      ttlSeconds: TTL_SECONDS,
      seed: context.seed + 1,
      logLevel: context.logLevel,
    },
    'listening',
  );
  const host = `${entry.service.name}.${entry.service.namespace}.svc.${snapshot.clusterDomain}`;
  const { policy, source } = headlessPolicy(context, host, port.port.port);
  return {
    way: 'headless',
    target: `headless://${formatAddress(address)}/${host}.:${podPort}`,
    env: {},
    policy,
    awaitPods: pods.length,
    expected: equalShares(pods),
    balancedBy: `the caller's ${policy.kind}`,
    how: `${host} has ${pods.length} addresses, the caller picks one for every call (${policy.kind}, ${source})`,
    ...caveatOf([policy]),
    address,
  };
}

/** The proxy on the node, by its own address. */
export async function openKernelProxy(context: KernelContext): Promise<OpenWay | string> {
  const { snapshot, target, net } = context;
  const balancing = proxyBalancing(context);
  if (typeof balancing === 'string') return balancing;
  const { service } = target.entry;
  const proxy = startChild({ module: './proxy-main.js', name: 'the proxy', networkOf: net.node.pid });
  context.cleanup.defer(() => proxy.stop());
  const { address } = await proxy.ask(
    {
      kind: 'start-proxy',
      snapshot,
      service: { namespace: service.namespace, name: service.name, port: target.port.port.port },
      namespace: context.namespace,
      seed: context.seed + 2,
      logLevel: context.logLevel,
      listen: { host: net.nodeAddress, port: 0 },
    },
    'listening',
  );
  return {
    way: 'proxy',
    target: formatAddress(address),
    env: {},
    authority: target.virtualHost.name,
    ...balancing,
    how: `the proxy at ${formatAddress(address)} picks ${balancing.how}`,
    address,
  };
}
