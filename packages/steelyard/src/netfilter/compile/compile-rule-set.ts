import type { Snapshot } from '@steelyard/core/model';
import { portChainName } from './chain-name.ts';
import type { SharedChains } from '../frame.ts';
import { filterFrame, LOCALHOST_ACCEPTED, natFrame } from '../frame.ts';
import { nodePortAddresses } from './node-port-addresses.ts';
import { affinitySets, isFirewalled, matchesTo, portChains } from './port-chains.ts';
import type { RuleSetOptions } from './rule-options.ts';
import type { Chain, Match, NamedSet, Rule, RuleSet, Verdict } from './rule-set.ts';
import { setKey } from './rule-set.ts';
import { isLoopback } from './network.ts';
import type { RuleMemo } from '../apply/rule-memo.ts';
import { createRuleMemo } from '../apply/rule-memo.ts';
import type { CountedPort, VirtualPort } from './virtual-port.ts';
import { comparePorts, hasExternalEndpoints, hasInternalEndpoints, virtualPorts } from './virtual-port.ts';

/** kube-proxy's `largeClusterEndpointsThreshold`. */
const LARGE_CLUSTER_ENDPOINTS = 1000;

/**
 * The rules that kube-proxy's iptables mode writes for the Services of a Snapshot, one address family at a time.
 *
 * A connection to `clusterIp:port` is dispatched by KUBE-SERVICES to the port's KUBE-SVC chain, which tosses a coin per
 * endpoint and jumps to its KUBE-SEP chain, which rewrites the destination; one to a node port or another outside
 * address goes through KUBE-EXT first. Ports without usable endpoints are rejected or dropped in the filter table.
 * Services without a virtual address in the family (headless, ExternalName, the other family) have no rules. Equal
 * Snapshots give equal rules: where kube-proxy follows a Go map, this follows the names. With the `memo` of the call before,
 * what did not change keeps its identity.
 */
export function compileRuleSet(
  snapshot: Pick<Snapshot, 'services'>,
  options: RuleSetOptions,
  memo: RuleMemo<readonly PortRules[]> = createRuleMemo(),
): RuleSet {
  const ports = [...snapshot.services.values()]
    .flatMap((entry) =>
      memo.get(entry, options, () => virtualPorts(entry, options).map((each) => portRules(each, options))),
    )
    .toSorted((a, b) => comparePorts(a.port, b.port));
  const endpointCount = ports.reduce((sum, each) => sum + each.endpointCount, 0);
  const largeCluster = endpointCount > LARGE_CLUSTER_ENDPOINTS;
  const shared = {
    services: ports.flatMap((each) => each.services),
    external: ports.flatMap((each) => each.external),
    healthChecks: ports.flatMap((each) => each.healthChecks),
    firewalled: ports.flatMap((each) => each.firewalled),
    dispatch: [...ports.flatMap((each) => each.dispatch), ...nodePortJumps(options)],
    nodePorts: ports.flatMap((each) => each.nodePorts),
  };
  const chains = ports.flatMap((each) => each.chains(largeCluster));
  const sets = ports.flatMap((each) => each.affinity);
  return {
    family: options.family,
    tables: {
      filter: byName(filterFrame(shared, options)),
      nat: byName([...natFrame(shared, options), ...chains]),
    },
    ...(sets.length > 0 && { sets: new Map(sets.map((set) => [setKey('nat', set.name), set])) }),
  };
}

/** All that one port contributes. */
export interface PortRules extends SharedChains {
  readonly port: VirtualPort;
  readonly endpointCount: number;
  readonly affinity: readonly NamedSet[];
  readonly chains: (largeCluster: boolean) => readonly Chain[];
}

function portRules({ port, endpointCount }: CountedPort, options: RuleSetOptions): PortRules {
  const made = new Map<boolean, readonly Chain[]>();
  return {
    port,
    endpointCount,
    affinity: affinitySets(port, options),
    services: internalRefusals(port),
    external: externalRefusals(port),
    healthChecks: healthCheckRules(port),
    firewalled: firewallDrops(port),
    dispatch: dispatchRules(port),
    nodePorts: nodePortRules(port, options),
    chains(largeCluster) {
      const chains = made.get(largeCluster) ?? portChains(port, { options, largeCluster });
      made.set(largeCluster, chains);
      return chains;
    },
  };
}

function byName(chains: readonly Chain[]): ReadonlyMap<string, Chain> {
  return new Map(chains.map((chain) => [chain.name, chain]));
}

function chainOf(port: VirtualPort, sort: 'SVC' | 'SVL' | 'EXT' | 'FW'): Verdict {
  return { kind: 'jump', chain: portChainName(sort, port.name, port.protocol) };
}

/** nat KUBE-SERVICES: one rule per address. */
function dispatchRules(port: VirtualPort): Rule[] {
  const rules: Rule[] = [];
  if (hasInternalEndpoints(port)) {
    const verdict = chainOf(port, port.internalLocal ? 'SVL' : 'SVC');
    rules.push({ matches: matchesTo(port, port.clusterIp, `${port.name} cluster IP`), verdict });
  }
  if (!port.hasEndpoints) return rules;
  for (const address of port.externalIps) {
    rules.push({ matches: matchesTo(port, address, `${port.name} external IP`), verdict: chainOf(port, 'EXT') });
  }
  for (const address of port.loadBalancerIps) {
    const verdict = chainOf(port, isFirewalled(port) ? 'FW' : 'EXT');
    rules.push({ matches: matchesTo(port, address, `${port.name} loadbalancer IP`), verdict });
  }
  return rules;
}

/** Must be last: a node port is looked at only when no Service has the address. */
function nodePortJumps(options: RuleSetOptions): Rule[] {
  const { family, localhostNodePorts = true } = options;
  const text = 'kubernetes service nodeports; NOTE: this must be the last rule in this chain';
  const comment: Match = { kind: 'comment', text };
  const verdict: Verdict = { kind: 'jump', chain: 'KUBE-NODEPORTS' };
  const where = nodePortAddresses(options, []);
  if (where.kind === 'some') {
    return where.addresses
      .filter((address) => !isLoopback(address) || (family === 'IPv4' && localhostNodePorts))
      .map((network) => ({ matches: [{ kind: 'destination', network, negated: false }, comment], verdict }));
  }
  const local: Match = { kind: 'localAddress', field: 'destination', negated: false };
  // IPv6 has no route_localnet.
  const notLoopback: Match[] =
    family === 'IPv4' && localhostNodePorts
      ? []
      : [{ kind: 'destination', network: family === 'IPv4' ? '127.0.0.0/8' : '::1', negated: true }];
  return [{ matches: [...notLoopback, comment, local], verdict }];
}

/** nat KUBE-NODEPORTS. */
function nodePortRules(port: VirtualPort, options: RuleSetOptions): Rule[] {
  const { family, localhostNodePorts = true, accounting } = options;
  if (port.nodePort === undefined || !port.hasEndpoints) return [];
  const verdict = chainOf(port, 'EXT');
  const [destination, ...matches] = matchesTo(port, '127.0.0.0/8', port.name, port.nodePort);
  const rules: Rule[] = [{ matches, verdict }];
  const where = nodePortAddresses(options, []);
  const onLocalhost = family === 'IPv4' && localhostNodePorts && (where.kind === 'all' || where.loopback);
  if (onLocalhost && accounting === true && destination !== undefined) {
    rules.unshift({ matches: [destination, ...matches, { kind: 'counter', name: LOCALHOST_ACCEPTED }], verdict });
  }
  return rules;
}

/** No endpoint anywhere: refused at once. Endpoints, but none that the policy allows from here: dropped (KEP-2086). */
function refusal(port: VirtualPort): { readonly text: string; readonly verdict: Verdict } {
  if (port.hasEndpoints) return { text: `${port.name} has no local endpoints`, verdict: { kind: 'drop' } };
  return { text: `${port.name} has no endpoints`, verdict: { kind: 'reject' } };
}

function internalRefusals(port: VirtualPort): Rule[] {
  if (hasInternalEndpoints(port)) return [];
  const { text, verdict } = refusal(port);
  return [{ matches: matchesTo(port, port.clusterIp, text), verdict }];
}

function externalRefusals(port: VirtualPort): Rule[] {
  if (hasExternalEndpoints(port)) return [];
  const { text, verdict } = refusal(port);
  const rules = [...port.externalIps, ...port.loadBalancerIps].map((address): Rule => ({
    matches: matchesTo(port, address, text),
    verdict,
  }));
  if (port.nodePort !== undefined) {
    const [, protocol, comment, transport] = matchesTo(port, '', text, port.nodePort);
    const local: Match = { kind: 'localAddress', field: 'destination', negated: false };
    const matches = [protocol, comment, local, transport].flatMap((match) => match ?? []);
    rules.push({ matches, verdict });
  }
  return rules;
}

function healthCheckRules(port: VirtualPort): Rule[] {
  if (port.healthCheckNodePort === undefined) return [];
  const matches: Match[] = [
    { kind: 'protocol', protocol: 'TCP' },
    { kind: 'comment', text: `${port.name} health check node port` },
    { kind: 'transport', protocol: 'TCP', destinationPort: port.healthCheckNodePort },
  ];
  return [{ matches, verdict: { kind: 'accept' } }];
}

function firewallDrops(port: VirtualPort): Rule[] {
  if (!isFirewalled(port)) return [];
  const text = `${port.name} traffic not accepted by ${portChainName('FW', port.name, port.protocol)}`;
  return port.loadBalancerIps.map((address) => ({
    matches: matchesTo(port, address, text),
    verdict: { kind: 'drop' },
  }));
}
