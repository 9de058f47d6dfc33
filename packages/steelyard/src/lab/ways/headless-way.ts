import { createSeededRandom } from '@steelyard/core/balance';
import { DEFAULT_LOAD_BALANCER, type ChoosingPolicy } from '@steelyard/core/model';
import { startDnsServer } from '../../dns/index.ts';
import { caveatOf } from '../report/caveat.ts';
import { equalShares } from './expected-shares.ts';
import { formatAddress } from '../../net-address.ts';
import { mapEndpoints } from '../processes/map-endpoints.ts';
import type { OpenWay, WayContext } from './way-context.ts';
import { podKey, usablePods } from '../lab-target.ts';

/** Pods of the lab come and go with the lab: an answer needs to live no longer than a call. */
const TTL_SECONDS = 5;

/** The cluster's DNS answers with every pod; the caller resolves the name and balances over the answers itself. */
export async function openHeadlessWay(context: WayContext): Promise<OpenWay | string> {
  const { snapshot, target, backends } = context;
  if (typeof target.headless === 'string') return target.headless;
  if (!backends.onePort) return 'a DNS answer has no port, and here every pod has another: only 127.0.0.1 can be had';
  const { entry, port } = target.headless;
  const pods = usablePods(port);
  const podPort = backends.addresses.get(pods[0] === undefined ? '' : podKey(pods[0]))?.port ?? 0;

  const mapped = mapEndpoints(snapshot, (endpoint) => backends.addresses.get(podKey(endpoint)));
  const dns = await startDnsServer({
    snapshots: { current: mapped, subscribe: () => () => undefined },
    listen: { host: '127.0.0.1', port: 0 },
    zone: snapshot.clusterDomain,
    ttlSeconds: TTL_SECONDS,
    random: createSeededRandom(context.seed + 1),
    log: context.log,
  });
  context.cleanup.defer(() => dns.close());

  const host = `${entry.service.name}.${entry.service.namespace}.svc.${snapshot.clusterDomain}`;
  const { policy, source } = headlessPolicy(context, host, port.port.port);
  return {
    way: 'headless',
    target: `headless://${formatAddress(dns.address)}/${host}.:${podPort}`,
    env: {},
    policy,
    awaitPods: pods.length,
    expected: equalShares(pods),
    balancedBy: `the caller's ${policy.kind}`,
    how: `${host} has ${pods.length} addresses, the caller picks one for every call (${policy.kind}, ${source})`,
    ...caveatOf([policy]),
    address: dns.address,
  };
}

/**
 * The caller chooses, and does well to choose what the cluster says of these pods: the DestinationRule of the headless host,
 * else the one of the Service that has the same pods, else Istio's default.
 */
export function headlessPolicy(
  { snapshot, target }: Pick<WayContext, 'snapshot' | 'target'>,
  headlessHost: string,
  headlessPort: number,
): { readonly policy: ChoosingPolicy; readonly source: string } {
  const { service } = target.entry;
  const serviceHost = `${service.name}.${service.namespace}.svc.${snapshot.clusterDomain}`;
  const names = [`outbound|${headlessPort}||${headlessHost}`, `outbound|${target.port.port.port}||${serviceHost}`];
  for (const name of names) {
    const { destinationRule: rule, loadBalancer } = snapshot.clusters.get(name) ?? {};
    // PASSTHROUGH leaves the choice to whoever resolved the name, so to the caller.
    if (rule === undefined || loadBalancer === undefined || loadBalancer.kind === 'PASSTHROUGH') continue;
    return { policy: loadBalancer, source: `as DestinationRule ${rule.namespace}/${rule.name} says` };
  }
  return { policy: DEFAULT_LOAD_BALANCER, source: 'the default' };
}
