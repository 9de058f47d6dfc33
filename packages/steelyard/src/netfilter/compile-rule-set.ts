import { isIPv6 } from 'node:net';
import type { IpFamily, ServiceEntry, Snapshot } from '@steelyard/core/model';
import { usableEndpoints } from '@steelyard/core/model';
import { addressPortOf, serviceChainName, servicePortName } from './chain-name.ts';
import { filterFrame, natFrame } from './frame.ts';
import type { Chain, Rule, RuleSet } from './rule-set.ts';
import type { MasqueradeOptions, VirtualPort } from './service-chains.ts';
import { endpointChain, matchesTo, serviceChain } from './service-chains.ts';

export interface RuleSetOptions extends MasqueradeOptions {
  readonly family: IpFamily;
}

/**
 * The rules that kube-proxy's iptables mode writes for the ClusterIPs of a Snapshot, one address family at a time.
 *
 * A connection to `clusterIp:port` is dispatched by KUBE-SERVICES to the port's KUBE-SVC chain, which tosses a coin per
 * endpoint and jumps to its KUBE-SEP chain, which rewrites the destination. Ports without usable endpoints are rejected
 * in the filter table. Services without a virtual address in the family (headless, ExternalName, the other family) have
 * no rules. Equal Snapshots give equal rules: where kube-proxy follows a Go map, this follows the names.
 */
export function compileRuleSet(snapshot: Pick<Snapshot, 'services'>, options: RuleSetOptions): RuleSet {
  const ports = [...snapshot.services.values()].flatMap((entry) => virtualPortsOf(entry, options.family));
  ports.sort((a, b) => compareText(a.name, b.name) || compareText(a.protocol, b.protocol));

  const dispatch: Rule[] = [];
  const rejections: Rule[] = [];
  const chains: Chain[] = [];
  for (const port of ports) {
    if (port.endpoints.length === 0) {
      rejections.push({ matches: matchesTo(port, `${port.name} has no endpoints`), verdict: { kind: 'reject' } });
      continue;
    }
    const chain = serviceChainName(port.name, port.protocol);
    dispatch.push({ matches: matchesTo(port, `${port.name} cluster IP`), verdict: { kind: 'jump', chain } });
    chains.push(serviceChain(chain, port, options), ...port.endpoints.map((endpoint) => endpointChain(port, endpoint)));
  }
  return {
    family: options.family,
    tables: { filter: byName(filterFrame(rejections)), nat: byName([...natFrame(dispatch), ...chains]) },
  };
}

function virtualPortsOf({ service, ports }: ServiceEntry, family: IpFamily): VirtualPort[] {
  const clusterIp = service.clusterIps.find((address) => isIPv6(address) === (family === 'IPv6'));
  if (service.headless || service.type === 'ExternalName' || clusterIp === undefined) return [];
  return ports.map(({ port, endpoints }) => ({
    name: servicePortName(service.namespace, service.name, port.name),
    clusterIp,
    protocol: port.protocol,
    port: port.port,
    // kube-proxy has one proxier a family, so ready or terminating is decided within the family; and it sorts the
    // plain strings: 10.0.0.10:80 comes before 10.0.0.2:80.
    endpoints: usableEndpoints(endpoints.filter((endpoint) => endpoint.family === family))
      .map(({ address, port: number }) => ({ address, port: number, addressPort: addressPortOf(address, number) }))
      .toSorted((a, b) => compareText(a.addressPort, b.addressPort)),
  }));
}

function byName(chains: readonly Chain[]): ReadonlyMap<string, Chain> {
  return new Map(chains.map((chain) => [chain.name, chain]));
}

/** By code unit, as Go compares strings of ASCII; never by locale. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
