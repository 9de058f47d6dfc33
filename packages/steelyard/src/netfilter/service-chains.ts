import type { Protocol } from '@steelyard/core/model';
import { endpointChainName } from './chain-name.ts';
import { toMarkMasq } from './frame.ts';
import { probabilityText } from './probability.ts';
import type { Chain, Match, Rule } from './rule-set.ts';

/** A port of a Service that has a virtual address in the family. */
export interface VirtualPort {
  /** `ns/name:port` */
  readonly name: string;
  readonly clusterIp: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** What connections may land on, in the order of the rules. */
  readonly endpoints: readonly VirtualPortEndpoint[];
}

export interface VirtualPortEndpoint {
  readonly address: string;
  readonly port: number;
  /** `ip:port`, IPv6 in brackets. */
  readonly addressPort: string;
}

export interface MasqueradeOptions {
  /** The Pods' network in CIDR notation: connections from outside of it are masqueraded. Absent: none is, for that. */
  readonly clusterCidr?: string;
  /** Masquerade every connection to a ClusterIP (kube-proxy's `--masquerade-all`). */
  readonly masqueradeAll?: boolean;
}

/** The matches of a rule about connections to the port's virtual address. */
export function matchesTo(port: VirtualPort, comment: string): Match[] {
  return [
    { kind: 'destination', network: port.clusterIp },
    { kind: 'protocol', protocol: port.protocol },
    { kind: 'comment', text: comment },
    { kind: 'transport', protocol: port.protocol, destinationPort: port.port },
  ];
}

/** KUBE-SVC-…: marks what must be masqueraded, then shares the connections equally. */
export function serviceChain(name: string, port: VirtualPort, options: MasqueradeOptions): Chain {
  const rules: Rule[] = [];
  const toPort = matchesTo(port, `${port.name} cluster IP`);
  if (options.masqueradeAll === true) {
    rules.push({ matches: toPort, verdict: toMarkMasq });
  } else if (options.clusterCidr !== undefined) {
    const fromOutside: Match = { kind: 'source', network: options.clusterCidr, negated: true };
    rules.push({ matches: [fromOutside, ...toPort], verdict: toMarkMasq });
  }
  const count = port.endpoints.length;
  for (const [index, endpoint] of port.endpoints.entries()) {
    const matches: Match[] = [{ kind: 'comment', text: `${port.name} -> ${endpoint.addressPort}` }];
    // Rule i of n takes 1/(n - i) of what the rules before it left, so every endpoint gets 1/n; the last takes the rest.
    if (index < count - 1) matches.push({ kind: 'statistic', probability: Number(probabilityText(count - index)) });
    const chain = endpointChainName(port.name, port.protocol, endpoint.addressPort);
    rules.push({ matches, verdict: { kind: 'jump', chain } });
  }
  return { name, builtIn: false, rules };
}

/** KUBE-SEP-…: sends to one endpoint. An endpoint that calls itself is masqueraded, or it would answer itself directly. */
export function endpointChain(port: VirtualPort, { address, port: number, addressPort }: VirtualPortEndpoint): Chain {
  const comment: Match = { kind: 'comment', text: port.name };
  return {
    name: endpointChainName(port.name, port.protocol, addressPort),
    builtIn: false,
    rules: [
      { matches: [{ kind: 'source', network: address, negated: false }, comment], verdict: toMarkMasq },
      {
        matches: [
          { kind: 'protocol', protocol: port.protocol },
          comment,
          { kind: 'transport', protocol: port.protocol },
        ],
        verdict: { kind: 'dnat', address, port: number },
      },
    ],
  };
}
