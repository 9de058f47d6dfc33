import type { IpFamily, Protocol } from '@steelyard/core/model';
import { isIP } from 'node:net';
import { parseProtocol } from '../iptables/parse-iptables-match.ts';
import type { Chain, Rule, RuleSet, Verdict } from './rule-set.ts';

/** An address, port and protocol that some rule sends elsewhere. */
export interface ServiceAddress {
  readonly family: IpFamily;
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** `ns/name:port`, where a comment or a chain's name tells it. */
  readonly name?: string;
  /** What kind of address it is, where a comment tells it. */
  readonly kind?: 'cluster IP' | 'external IP' | 'loadbalancer IP';
}

/**
 * Every single address and port that the rules of a nat chain or the entries of a verdict map take care of, in their
 * order. Works without comments, and on rules that others wrote; node ports, which are on no single address, are left out.
 */
export function serviceAddresses(ruleSet: RuleSet): readonly ServiceAddress[] {
  const found = new Map<string, ServiceAddress>();
  const add = (address: ServiceAddress): void => {
    const key = `${address.protocol} ${address.address} ${address.port}`;
    if (!found.has(key)) found.set(key, address);
  };
  for (const chains of Object.values(ruleSet.tables)) {
    for (const chain of chains.values()) {
      for (const rule of chain.rules) {
        const address = dispatched(rule, ruleSet.family);
        if (address !== undefined && leadsElsewhere(rule.verdict, chains)) add(address);
      }
    }
  }
  for (const set of ruleSet.sets?.values() ?? []) {
    if (set.kind !== 'map' || set.keyTypes.length !== 3) continue;
    for (const [key, { verdict }] of set.elements) {
      const address = ofElement(key, verdict, ruleSet.family);
      if (address !== undefined) add(address);
    }
  }
  return [...found.values()];
}

function dispatched({ matches, verdict }: Rule, family: IpFamily): ServiceAddress | undefined {
  if (verdict.kind !== 'jump' && verdict.kind !== 'goto' && verdict.kind !== 'share' && verdict.kind !== 'dnat') {
    return undefined;
  }
  let address: string | undefined;
  let port: number | undefined;
  let protocol: Protocol | undefined;
  let comment = '';
  for (const match of matches) {
    if (match.kind === 'destination' && !match.negated && isIP(match.network) !== 0) address = match.network;
    else if (match.kind === 'transport' && match.destinationPort !== undefined) port = match.destinationPort;
    else if (match.kind === 'ports' && !match.negated && match.ranges.length === 1) port = match.ranges[0]?.[0];
    else if (match.kind === 'protocol' && match.negated !== true) protocol = match.protocol;
    else if (match.kind === 'comment') comment = match.text;
  }
  if (address === undefined || port === undefined || protocol === undefined) return undefined;
  const { name, kind } = /^(?<name>\S+) (?<kind>cluster|external|loadbalancer) IP$/.exec(comment)?.groups ?? {};
  return {
    family,
    address,
    port,
    protocol,
    ...(name !== undefined && { name }),
    ...(kind !== undefined && { kind: KINDS[kind] ?? 'cluster IP' }),
  };
}

const KINDS: Readonly<Record<string, NonNullable<ServiceAddress['kind']>>> = {
  cluster: 'cluster IP',
  external: 'external IP',
  loadbalancer: 'loadbalancer IP',
};

/** Leaves out rules that only mark: a chain that the jump leads to must rewrite the destination in the end. */
function leadsElsewhere(verdict: Verdict, chains: ReadonlyMap<string, Chain>): boolean {
  const seen = new Set<string>();
  const open: (Verdict | undefined)[] = [verdict];
  for (let next = open.pop(); next !== undefined || open.length > 0; next = open.pop()) {
    if (next?.kind === 'dnat') return true;
    if (next?.kind === 'share') open.push(...next.choices);
    if ((next?.kind !== 'jump' && next?.kind !== 'goto') || seen.has(next.chain)) continue;
    seen.add(next.chain);
    for (const rule of chains.get(next.chain)?.rules ?? []) open.push(rule.verdict);
  }
  return false;
}

/** kube-proxy's maps: `address . protocol . port : goto service-HASH-ns/name/protocol/port`. */
function ofElement(key: string, verdict: Verdict | undefined, family: IpFamily): ServiceAddress | undefined {
  if (verdict?.kind !== 'goto' && verdict?.kind !== 'jump') return undefined;
  const [address = '', protocolText = '', port = ''] = key.split(' . ');
  const protocol = parseProtocol(protocolText);
  const named = /^(?<sort>service|local|external)-[A-Z2-7]{8}-(?<ns>[^/]+)\/(?<svc>[^/]+)\/[^/]+\/(?<port>[^/]*)$/.exec(
    verdict.chain,
  )?.groups;
  if (isIP(address) === 0 || protocol === undefined || verdict.chain.startsWith('firewall-')) return undefined;
  const name =
    named === undefined
      ? undefined
      : `${named['ns']}/${named['svc']}${named['port'] === '' ? '' : `:${named['port']}`}`;
  return {
    family,
    address,
    port: Number(port),
    protocol,
    ...(name !== undefined && { name }),
    ...(named !== undefined && named['sort'] !== 'external' && { kind: 'cluster IP' as const }),
  };
}
