import type { Endpoint, IpFamily, Snapshot } from '@steelyard/core/model';
import type { Cleanup } from '../../cleanup.ts';
import { holdNamespace, type Namespace } from './namespace.ts';

/** A node with pods on a bridge, one of them the caller's, each in a network namespace of its own. */
export interface KernelNet {
  readonly node: Namespace;
  /** The node's own address, which pods can reach. */
  readonly nodeAddress: string;
  readonly caller: Namespace;
  readonly callerAddress: string;
  /** By address. */
  readonly pods: ReadonlyMap<string, Namespace>;
}

interface FamilyPlan {
  readonly option: '-4' | '-6';
  readonly bits: number;
  /** What pods send everything to. */
  readonly gateway: string;
  readonly nodes: readonly string[];
  readonly callers: readonly string[];
  /** Otherwise addresses are unusable for a second (RFC 4862 §5.4). */
  readonly flags: string;
  readonly forwarding: string;
}

/** The first that nobody in the manifests has. */
const PLANS: Readonly<Record<IpFamily, FamilyPlan>> = {
  IPv4: {
    option: '-4',
    bits: 32,
    gateway: '169.254.1.1',
    nodes: ['192.168.0.2', '192.168.255.2', '203.0.113.2'],
    callers: ['10.80.0.9', '10.255.0.9', '198.18.0.9'],
    flags: '',
    forwarding: '/proc/sys/net/ipv4/ip_forward',
  },
  IPv6: {
    option: '-6',
    bits: 128,
    gateway: 'fe80::1',
    nodes: ['fd00:192::2', 'fd00:193::2', 'fd00:194::2'],
    callers: ['fd00:80::9', 'fd00:81::9', 'fd00:82::9'],
    flags: ' nodad',
    forwarding: '/proc/sys/net/ipv6/conf/all/forwarding',
  },
};

const BRIDGE = 'cni0';

/**
 * Builds the network: every pod has its own address from the manifests and a route to the node for all else, so whatever it
 * sends to another passes the node's rules, as with the CNI plugins that route.
 *
 * @throws LabError when the kernel does not do it
 */
export async function buildKernelNet(
  pods: readonly Endpoint[],
  snapshot: Snapshot,
  cleanup: Cleanup,
): Promise<KernelNet> {
  const family = pods[0]?.family ?? 'IPv4';
  const plan = PLANS[family];
  const taken = addressesIn(snapshot);
  const free = (candidates: readonly string[]): string => candidates.find((each) => !taken.has(each)) ?? '';
  const [nodeAddress, callerAddress] = [free(plan.nodes), free(plan.callers)];

  const hold = async (): Promise<Namespace> => {
    const namespace = await holdNamespace();
    cleanup.defer(() => namespace.close());
    return namespace;
  };
  const node = await hold();
  const addresses = [...new Set([callerAddress, ...pods.map(({ address }) => address)])];
  const members = new Map(await Promise.all(addresses.map(async (address) => [address, await hold()] as const)));

  const { option, bits, gateway, flags, forwarding } = plan;
  await node.mustRun('sh', ['-c', `echo 1 > ${forwarding}`]);
  const wires = [...members].flatMap(([address, { pid }], index) => [
    `link add veth${index} type veth peer name eth0 netns ${pid}`,
    `link set veth${index} master ${BRIDGE}`,
    `link set veth${index} up`,
    `route add ${address}/${bits} dev ${BRIDGE}`,
  ]);
  await ip(node, option, [
    'link set lo up',
    `link add ${BRIDGE} type bridge`,
    `link set ${BRIDGE} up`,
    `addr add ${gateway}/${family === 'IPv4' ? bits : 64} dev ${BRIDGE}${flags}`,
    `addr add ${nodeAddress}/${bits} dev ${BRIDGE}${flags}`,
    ...wires,
    // The node's own callers need a way out before the rules turn them round.
    `route add default dev ${BRIDGE} src ${nodeAddress}`,
  ]);
  await Promise.all(
    [...members].map(([address, namespace]) =>
      ip(namespace, option, [
        'link set lo up',
        `addr add ${address}/${bits} dev eth0${flags}`,
        'link set eth0 up',
        ...(family === 'IPv4' ? [`route add ${gateway} dev eth0 scope link`] : []),
        `route add default via ${gateway} dev eth0`,
      ]),
    ),
  );
  const caller = members.get(callerAddress) ?? node;
  members.delete(callerAddress);
  return { node, nodeAddress, caller, callerAddress, pods: members };
}

/** One process for many changes (ip(8), `-batch`). */
async function ip(namespace: Namespace, option: string, commands: readonly string[]): Promise<void> {
  await namespace.mustRun('ip', [option, '-batch', '-'], `${commands.join('\n')}\n`);
}

function addressesIn({ services }: Snapshot): ReadonlySet<string> {
  const taken = new Set<string>();
  for (const { service, ports } of services.values()) {
    for (const address of service.clusterIps) taken.add(address);
    for (const { endpoints } of ports) for (const { address } of endpoints) taken.add(address);
  }
  return taken;
}
