import { createSeededRandom } from '@steelyard/core/balance';
import { DEFAULT_LOAD_BALANCER } from '@steelyard/core/model';
import { startDnsServer } from '../dns/index.ts';
import { caveatOf } from './caveat.ts';
import { equalShares } from './expected-shares.ts';
import { formatAddress } from '../net-address.ts';
import { mapEndpoints } from './map-endpoints.ts';
import type { OpenWay, WayContext } from './way-context.ts';
import { podKey, usablePods } from './lab-target.ts';

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
  // Where no DestinationRule speaks of the headless host, Istio's default holds for it as for any other.
  const cluster = snapshot.clusters.get(`outbound|${port.port.port}||${host}`);
  const policy = cluster?.loadBalancer ?? DEFAULT_LOAD_BALANCER;
  const rule = cluster?.destinationRule;
  const source = rule === undefined ? 'the default' : `DestinationRule ${rule.namespace}/${rule.name}`;
  return {
    way: 'headless',
    target: `dns://${formatAddress(dns.address)}/${host}:${podPort}`,
    // Without it grpc-js asks the system's resolver and overlooks the server in the target.
    env: { GRPC_NODE_USE_ALTERNATIVE_RESOLVER: 'true' },
    policy,
    awaitPods: pods.length,
    expected: equalShares(pods),
    balancedBy: `the caller's ${policy.kind}`,
    how: `${host} has ${pods.length} addresses, the caller picks one for every call (${policy.kind}, ${source})`,
    ...caveatOf([policy]),
    address: dns.address,
  };
}
