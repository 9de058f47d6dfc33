import type { IpFamily } from '@steelyard/core/model';
import {
  ApplyError,
  compileNftables,
  compileRuleSet,
  createIptablesApplier,
  createNftablesApplier,
  type Packet,
  serviceChainName,
  servicePortName,
} from '../../netfilter/index.ts';
import { formatAddress } from '../../net-address.ts';
import { LabError } from '../lab-error.ts';
import type { OpenWay } from '../ways/way-context.ts';
import { connectionShares } from '../ways/service-way.ts';
import type { KernelContext } from './kernel-bed.ts';

/** The Service's rules as kube-proxy writes them, in the kernel; they stay for the ways after this one. */
export async function openKernelService(context: KernelContext): Promise<OpenWay> {
  const { target, net } = context;
  const { clusterIp: host, port, entry } = target;
  const expected = await applyServiceRules(context);
  const address = { host, port: port.port.port };
  const { namespace, name } = entry.service;
  const chain = serviceChainName(servicePortName(namespace, name, port.port.name), 'TCP');
  const where = context.mode === 'iptables' ? chain : 'nftables';
  return {
    way: 'service',
    target: formatAddress(address),
    env: {},
    // One connection has one pod, so no more can be waited for.
    awaitPods: 1,
    expected,
    balancedBy: "the Service's rules",
    how: `the kernel's rules for ${formatAddress(address)} pick a pod for every connection (${where}), seen from ${net.callerAddress}`,
    address,
  };
}

/** @returns the exact chance of each pod to get a new connection */
export async function applyServiceRules({ snapshot, target, net, mode }: KernelContext): Promise<OpenWay['expected']> {
  const family: IpFamily = target.clusterIp.includes(':') ? 'IPv6' : 'IPv4';
  const options = { family, localAddresses: [net.nodeAddress] };
  const ruleSet = mode === 'iptables' ? compileRuleSet(snapshot, options) : compileNftables(snapshot, options);
  const { run } = net.node;
  const applier = mode === 'iptables' ? createIptablesApplier(family, run) : createNftablesApplier(family, { run });
  try {
    await applier.apply(ruleSet);
  } catch (error) {
    throw error instanceof ApplyError ? new LabError(`--kernel: ${error.message}`) : error;
  }
  const packet: Packet = {
    source: net.callerAddress,
    destination: target.clusterIp,
    port: target.port.port.port,
    protocol: 'TCP',
    origin: 'pod',
  };
  return connectionShares(ruleSet, packet);
}
