import type { Snapshot } from '@steelyard/core/model';
import type { NftElements } from './nft-frame.ts';
import { fromLocalPods, markRule, NFT_HOOKS, NFT_TABLE, nftFrame, nftSets } from './nft-frame.ts';
import { nftEndpointName, nftPortChainName } from './nft-name.ts';
import { allowedSources } from '../compile/port-chains.ts';
import type { RuleMemo } from '../apply/rule-memo.ts';
import { createRuleMemo } from '../apply/rule-memo.ts';
import type { RuleSetOptions } from '../compile/rule-options.ts';
import type { Chain, Match, NamedSet, Rule, RuleSet, SetElement, Verdict } from '../compile/rule-set.ts';
import { setKey } from '../compile/rule-set.ts';
import type { VirtualPort, VirtualPortEndpoint } from '../compile/virtual-port.ts';
import {
  comparePorts,
  hasExternalEndpoints,
  hasInternalEndpoints,
  isExternallyAccessible,
  virtualPorts,
} from '../compile/virtual-port.ts';

/** The kernel keeps no longer comments (NFTNL_UDATA_COMMENT_MAXLEN); kube-proxy's would make nft refuse everything. */
const LONGEST_COMMENT = 128;

/**
 * The rules that kube-proxy's nftables mode (1.36) writes for the Services of a Snapshot, one address family at a time:
 * maps dispatch by address, protocol and port to a chain per Service port, which draws one of its endpoints. With
 * session affinity every endpoint has a chain and a set of the clients that belong to it.
 */
export function compileNftables(
  snapshot: Pick<Snapshot, 'services'>,
  options: RuleSetOptions,
  memo: RuleMemo<readonly NftPortRules[]> = createRuleMemo(),
): RuleSet {
  const ports = [...snapshot.services.values()]
    .flatMap((entry) =>
      memo.get(entry, options, () => virtualPorts(entry, options).map(({ port }) => portRules(port, options))),
    )
    .toSorted((a, b) => comparePorts(a.port, b.port));
  const elements = emptyElements();
  for (const name of SET_NAMES) {
    for (const port of ports) for (const [key, element] of port.elements[name]) elements[name].set(key, element);
  }
  const all = [...nftFrame(options), ...ports.flatMap(({ chains }) => chains)];
  const sets = [...nftSets(elements, options), ...ports.flatMap(({ affinity }) => affinity)];
  return {
    family: options.family,
    tables: { [NFT_TABLE]: new Map(all.map((chain) => [chain.name, chain])) },
    hooks: NFT_HOOKS,
    sets: new Map(sets.map((set) => [setKey(NFT_TABLE, set.name), set])),
  };
}

/** All that one port contributes. */
export interface NftPortRules {
  readonly port: VirtualPort;
  readonly elements: NftElements;
  readonly chains: readonly Chain[];
  readonly affinity: readonly NamedSet[];
}

function portRules(port: VirtualPort, options: RuleSetOptions): NftPortRules {
  const elements = emptyElements();
  addElements(port, elements);
  return { port, elements, chains: portChains(port, options), affinity: affinitySets(port, options) };
}

const SET_NAMES = [
  'cluster-ips',
  'service-ips',
  'service-nodeports',
  'no-endpoint-services',
  'no-endpoint-nodeports',
  'firewall-ips',
  'hairpin-connections',
] as const;

function emptyElements(): Elements {
  return {
    'cluster-ips': new Map(),
    'service-ips': new Map(),
    'service-nodeports': new Map(),
    'no-endpoint-services': new Map(),
    'no-endpoint-nodeports': new Map(),
    'firewall-ips': new Map(),
    'hairpin-connections': new Map(),
  };
}

type Elements = { readonly [Name in keyof NftElements]: Map<string, SetElement> };

function addElements(port: VirtualPort, elements: Elements): void {
  const protocol = port.protocol.toLowerCase();
  const key = (address: string): string => `${address} . ${protocol} . ${port.port}`;
  const external = { verdict: goto(nftPortChainName('external', port)) };
  elements['cluster-ips'].set(port.clusterIp, {});
  if (hasInternalEndpoints(port)) {
    const chain = nftPortChainName(port.internalLocal ? 'local' : 'service', port);
    elements['service-ips'].set(key(port.clusterIp), { verdict: goto(chain) });
  } else elements['no-endpoint-services'].set(key(port.clusterIp), refusal(port));
  for (const address of [...port.externalIps, ...port.loadBalancerIps]) {
    if (port.hasEndpoints) elements['service-ips'].set(key(address), external);
    if (!hasExternalEndpoints(port)) elements['no-endpoint-services'].set(key(address), refusal(port));
  }
  if (isFirewalled(port)) {
    const verdict = goto(nftPortChainName('firewall', port));
    for (const address of port.loadBalancerIps) elements['firewall-ips'].set(key(address), { verdict });
  }
  if (port.nodePort !== undefined) {
    const nodePort = `${protocol} . ${port.nodePort}`;
    if (port.hasEndpoints) elements['service-nodeports'].set(nodePort, external);
    if (!hasExternalEndpoints(port)) elements['no-endpoint-nodeports'].set(nodePort, refusal(port));
  }
  for (const { address, port: number, local } of port.reachable) {
    if (local) elements['hairpin-connections'].set(`${address} . ${address} . ${protocol} . ${number}`, {});
  }
}

/** Unlike in iptables, also without endpoints. */
function isFirewalled(port: VirtualPort): boolean {
  return port.loadBalancerIps.length > 0 && port.sourceRanges.length > 0;
}

/** No endpoint anywhere: refused at once. Endpoints, but none that the policy allows from here: dropped (KEP-2086). */
function refusal(port: VirtualPort): SetElement {
  const verdict: Verdict = port.hasEndpoints ? { kind: 'drop' } : goto('reject-chain');
  return { verdict, comment: port.name.slice(0, LONGEST_COMMENT) };
}

function portChains(port: VirtualPort, options: RuleSetOptions): Chain[] {
  const chains: Chain[] = [];
  if (port.hasEndpoints && isExternallyAccessible(port)) chains.push(externalChain(port, options));
  if (isFirewalled(port)) chains.push(firewallChain(port, options));
  const usesCluster = !port.internalLocal || isExternallyAccessible(port);
  const sharing: ['service' | 'local', readonly VirtualPortEndpoint[]][] = [
    ['service', usesCluster ? port.clusterEndpoints : []],
    ['local', port.localEndpoints],
  ];
  for (const [sort, endpoints] of sharing) {
    if (endpoints.length === 0) continue;
    const rules = port.affinityTimeoutS === undefined ? drawRules(port, endpoints) : affinityRules(port, endpoints);
    chains.push({ name: nftPortChainName(sort, port), builtIn: false, rules });
  }
  if (port.affinityTimeoutS !== undefined) chains.push(...port.reachable.map((each) => endpointChain(port, each)));
  return chains;
}

function drawRules(port: VirtualPort, endpoints: readonly VirtualPortEndpoint[]): Rule[] {
  const choices = endpoints.map((each): Verdict => ({ kind: 'dnat', address: each.address, port: each.port }));
  return [{ matches: [{ kind: 'protocol', protocol: port.protocol }], verdict: { kind: 'share', choices } }];
}

/** Known clients first; the others draw. */
function affinityRules(port: VirtualPort, endpoints: readonly VirtualPortEndpoint[]): Rule[] {
  const known = endpoints.map((endpoint): Rule => ({
    matches: [{ kind: 'inSet', fields: ['source'], set: nftEndpointName('affinity', port, endpoint), negated: false }],
    verdict: goto(nftEndpointName('endpoint', port, endpoint)),
  }));
  const choices = endpoints.map((endpoint) => goto(nftEndpointName('endpoint', port, endpoint)));
  return [...known, { matches: [], verdict: { kind: 'share', choices } }];
}

function endpointChain(port: VirtualPort, endpoint: VirtualPortEndpoint): Chain {
  const set = nftEndpointName('affinity', port, endpoint);
  return {
    name: nftEndpointName('endpoint', port, endpoint),
    builtIn: false,
    rules: [
      { matches: [], effects: [{ kind: 'remember', set }], verdict: { kind: 'none' } },
      {
        matches: [{ kind: 'protocol', protocol: port.protocol }],
        verdict: { kind: 'dnat', address: endpoint.address, port: endpoint.port },
      },
    ],
  };
}

function affinitySets(port: VirtualPort, { family }: RuleSetOptions): NamedSet[] {
  const { affinityTimeoutS: timeoutS } = port;
  if (timeoutS === undefined) return [];
  return port.reachable.map((endpoint) => ({
    name: nftEndpointName('affinity', port, endpoint),
    kind: 'set',
    keyTypes: [family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr'],
    timeoutS,
    elements: new Map(),
  }));
}

function externalChain(port: VirtualPort, options: RuleSetOptions): Chain {
  const rules: Rule[] = [];
  const toCluster = goto(nftPortChainName('service', port));
  const comment = (text: string): Match => ({ kind: 'comment', text });
  if (port.externalLocal) {
    // Pods and the node itself are not from outside: as if they had gone out to a load balancer and come back.
    if (options.localPods !== undefined) {
      const matches = [fromLocalPods(options.localPods, false), comment('short-circuit pod traffic')];
      rules.push({ matches, verdict: toCluster });
    }
    const fromNode: Match = { kind: 'localAddress', field: 'source', negated: false };
    rules.push(markRule(options, 'masquerade local traffic', fromNode), {
      matches: [fromNode, comment('short-circuit local traffic')],
      verdict: toCluster,
    });
  } else rules.push(markRule(options, 'masquerade'));
  if (hasExternalEndpoints(port)) {
    rules.push({ matches: [], verdict: goto(nftPortChainName(port.externalLocal ? 'local' : 'service', port)) });
  }
  return { name: nftPortChainName('external', port), builtIn: false, rules };
}

function firewallChain(port: VirtualPort, options: RuleSetOptions): Chain {
  const networks = allowedSources(port, options);
  return {
    name: nftPortChainName('firewall', port),
    builtIn: false,
    rules: [{ matches: [{ kind: 'among', field: 'source', networks, negated: true }], verdict: { kind: 'drop' } }],
  };
}

function goto(chain: string): Verdict {
  return { kind: 'goto', chain };
}
