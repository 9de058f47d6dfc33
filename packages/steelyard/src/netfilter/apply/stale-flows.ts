import { isIPv6 } from 'node:net';
import type { Endpoint, IpFamily, Service, Snapshot } from '@steelyard/core/model';
import type { RunTool } from './kernel-tool.ts';
import { runTool } from './kernel-tool.ts';

/** Tracked flows that lead where no packet should go any more. */
export interface StaleFlows {
  readonly protocol: 'TCP' | 'UDP';
  readonly family: IpFamily;
  /** The address that clients send to; absent for a node port. */
  readonly destination?: string;
  readonly port: number;
  /** The pod that is gone; absent: every flow, as those of a Service that had no endpoint until now. */
  readonly pod?: string;
}

/**
 * The kernel rewrites only the first packet of a flow and the rest as that one, for as long as the client keeps sending:
 * to a pod that is gone, or, with UDP, nowhere where there was none (kube-proxy, `CleanStaleEntries`, for UDP only).
 */
export function staleFlows(
  protocol: StaleFlows['protocol'],
  before: Pick<Snapshot, 'services'> | undefined,
  after: Pick<Snapshot, 'services'>,
): StaleFlows[] {
  if (before === undefined) return [];
  const stale: StaleFlows[] = [];
  for (const [key, entry] of before.services) {
    const next = after.services.get(key);
    if (next === entry) continue;
    for (const { port, endpoints } of entry.ports) {
      if (port.protocol !== protocol) continue;
      const now =
        next?.ports.find((each) => each.port.name === port.name && each.port.protocol === protocol)?.endpoints ?? [];
      for (const family of ['IPv4', 'IPv6'] as const) {
        const [had, has] = [servingAddresses(endpoints, family), servingAddresses(now, family)];
        const gone = [...had].filter((pod) => !has.has(pod));
        const pods: readonly (string | undefined)[] =
          protocol === 'UDP' && had.size === 0 && has.size > 0 ? [undefined] : gone;
        for (const pod of pods) {
          const rest = pod === undefined ? {} : { pod };
          for (const destination of addressesOf(entry.service, family)) {
            stale.push({ protocol, family, destination, port: port.port, ...rest });
          }
          if (port.nodePort !== undefined) stale.push({ protocol, family, port: port.nodePort, ...rest });
        }
      }
    }
  }
  return stale;
}

function servingAddresses(endpoints: readonly Endpoint[], family: IpFamily): ReadonlySet<string> {
  return new Set(
    endpoints.filter((each) => each.family === family && each.conditions.serving).map(({ address }) => address),
  );
}

function addressesOf(
  { clusterIps, externalIps = [], loadBalancerIps = [] }: Service,
  family: IpFamily,
): readonly string[] {
  return [...clusterIps, ...externalIps, ...loadBalancerIps].filter((each) => isIPv6(each) === (family === 'IPv6'));
}

/** By conntrack(8). @throws ApplyError when it is not there */
export async function deleteFlows(flows: readonly StaleFlows[], run: RunTool = runTool): Promise<void> {
  for (const { protocol, family, destination, port, pod } of flows) {
    const args = ['-D', '-f', family === 'IPv4' ? 'ipv4' : 'ipv6', '-p', protocol.toLowerCase()];
    args.push('--orig-port-dst', String(port));
    if (destination !== undefined) args.push('--orig-dst', destination);
    if (pod !== undefined) args.push('--reply-src', pod);
    // Exit code 1 says that there was no such flow.
    await run('conntrack', args);
  }
}
