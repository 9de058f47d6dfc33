import { createSeededRandom } from '@steelyard/core/balance';
import type { IpFamily } from '@steelyard/core/model';
import type { Packet, RuleSet } from '../../netfilter/index.ts';
import {
  compileRuleSet,
  serviceChainName,
  servicePortName,
  traceConnection,
  walkConnection,
} from '../../netfilter/index.ts';
import type { Shares } from './expected-shares.ts';
import { formatAddress, type SocketAddress } from '../../net-address.ts';
import { podKey } from '../lab-target.ts';
import type { OpenWay, WayContext } from './way-context.ts';
import { startServiceRelay } from './service-relay.ts';

/**
 * The kernel's Service rules, without the kernel: a TCP relay stands for the ClusterIP and sends each connection where
 * a walk through the compiled rules ends.
 */
export async function openServiceWay(context: WayContext): Promise<OpenWay | string> {
  const { snapshot, target, backends } = context;
  const { service } = target.entry;
  const family: IpFamily = target.clusterIp.includes(':') ? 'IPv6' : 'IPv4';
  const ruleSet = compileRuleSet(snapshot, { family });
  const packet: Packet = {
    source: family === 'IPv4' ? '127.0.0.1' : '::1',
    destination: target.clusterIp,
    port: target.port.port.port,
    protocol: 'TCP',
    origin: 'host',
  };
  const expected = connectionShares(ruleSet, packet);
  if (expected.size === 0) return `the rules reject connections to ${target.clusterIp}: no endpoint is ${family}`;

  const random = createSeededRandom(context.seed);
  const relay = await startServiceRelay({
    listen: { host: '127.0.0.1', port: 0 },
    choose(): SocketAddress | undefined {
      const outcome = walkConnection(ruleSet, packet, random);
      return outcome.kind === 'dnat' ? backends.addresses.get(podKey(outcome)) : undefined;
    },
  });
  context.cleanup.defer(() => relay.close());

  const chain = serviceChainName(servicePortName(service.namespace, service.name, target.port.port.name), 'TCP');
  const dialled = formatAddress({ host: target.clusterIp, port: target.port.port.port });
  return {
    way: 'service',
    target: formatAddress(relay.address),
    env: {},
    // One connection has one pod, so no more can be waited for.
    awaitPods: 1,
    expected,
    balancedBy: "the Service's rules",
    how: `the rules for ${dialled} pick a pod for every connection (${chain})`,
    address: relay.address,
  };
}

/** The exact chance of each pod to get a new connection. */
export function connectionShares(ruleSet: RuleSet, packet: Packet): Shares {
  const outcomes = traceConnection(ruleSet, packet);
  return new Map(
    outcomes.flatMap((outcome) => (outcome.kind === 'dnat' ? [[podKey(outcome), outcome.probability] as const] : [])),
  );
}
