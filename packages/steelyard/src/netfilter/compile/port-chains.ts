import { affinitySetName, endpointChainName, portChainName } from './chain-name.ts';
import { toMarkMasq } from '../frame.ts';
import { isWithin } from './network.ts';
import { probabilityText } from '../trace/probability.ts';
import type { LocalPods, RuleSetOptions } from './rule-options.ts';
import { nodeAddress } from './rule-options.ts';
import type { Chain, Match, NamedSet, Rule, Verdict } from './rule-set.ts';
import type { VirtualPort, VirtualPortEndpoint } from './virtual-port.ts';
import { hasExternalEndpoints, hasInternalEndpoints, isExternallyAccessible } from './virtual-port.ts';

/** What the chains of one port need to know besides the port. */
export interface PortContext {
  readonly options: RuleSetOptions;
  /** So many endpoints in all that their comments would be a burden (kube-proxy, `largeClusterMode`). */
  readonly largeCluster: boolean;
}

/** The matches of a rule about connections to one of the port's addresses. */
export function matchesTo(port: VirtualPort, address: string, text: string, number: number = port.port): Match[] {
  return [
    { kind: 'destination', network: address, negated: false },
    { kind: 'protocol', protocol: port.protocol },
    { kind: 'comment', text },
    { kind: 'transport', protocol: port.protocol, destinationPort: number },
  ];
}

/** The port's own chains in the nat table. */
export function portChains(port: VirtualPort, context: PortContext): Chain[] {
  if (!port.hasEndpoints) return [];
  const chains: Chain[] = [];
  if (isExternallyAccessible(port)) chains.push(externalChain(port, context));
  if (isFirewalled(port)) chains.push(firewallChain(port, context));
  const usesCluster = !port.internalLocal || isExternallyAccessible(port);
  if (usesCluster && port.clusterEndpoints.length > 0) {
    chains.push(sharingChain(port, 'SVC', port.clusterEndpoints, context));
  }
  if (port.localEndpoints.length > 0) chains.push(sharingChain(port, 'SVL', port.localEndpoints, context));
  chains.push(...port.reachable.map((endpoint) => endpointChain(port, endpoint, context)));
  return chains;
}

export function isFirewalled(port: VirtualPort): boolean {
  return port.hasEndpoints && port.loadBalancerIps.length > 0 && port.sourceRanges.length > 0;
}

/** KUBE-SVC-…, KUBE-SVL-…: marks what must be masqueraded, keeps known clients, then shares the connections equally. */
function sharingChain(
  port: VirtualPort,
  sort: 'SVC' | 'SVL',
  endpoints: readonly VirtualPortEndpoint[],
  context: PortContext,
): Chain {
  const rules: Rule[] = [];
  if (hasInternalEndpoints(port) && sort === (port.internalLocal ? 'SVL' : 'SVC')) {
    rules.push(...masqueradeRules(port, context.options));
  }
  const comments = (endpoint: VirtualPortEndpoint): Match[] =>
    context.largeCluster ? [] : [{ kind: 'comment', text: `${port.name} -> ${endpoint.addressPort}` }];
  const toEndpoint = (endpoint: VirtualPortEndpoint): Verdict => ({ kind: 'jump', chain: nameOf(port, endpoint) });
  const seconds = port.affinityTimeoutS;
  if (seconds !== undefined) {
    for (const endpoint of endpoints) {
      const check: Match =
        context.options.affinitySets === true
          ? {
              kind: 'inSet',
              fields: ['source'],
              set: affinitySetName(port.name, port.protocol, endpoint.addressPort, seconds),
              negated: false,
            }
          : { kind: 'recentCheck', list: nameOf(port, endpoint), seconds };
      rules.push({ matches: [...comments(endpoint), check], verdict: toEndpoint(endpoint) });
    }
  }
  for (const [index, endpoint] of endpoints.entries()) {
    const matches = comments(endpoint);
    // Rule i of n takes 1/(n - i) of what the rules before it left, so every endpoint gets 1/n; the last takes the rest.
    const left = endpoints.length - index;
    if (left > 1) matches.push({ kind: 'statistic', probability: Number(probabilityText(left)) });
    rules.push({ matches, verdict: toEndpoint(endpoint) });
  }
  return { name: portChainName(sort, port.name, port.protocol), builtIn: false, rules };
}

/** Off-cluster clients that route the cluster addresses to a node: the answer must come back through this node. */
function masqueradeRules(port: VirtualPort, { masqueradeAll, localPods }: RuleSetOptions): Rule[] {
  const matches = matchesTo(port, port.clusterIp, `${port.name} cluster IP`);
  if (masqueradeAll === true) return [{ matches, verdict: toMarkMasq }];
  if (localPods === undefined) return [];
  return [{ matches: withLocalPods(matches, localPods, true), verdict: toMarkMasq }];
}

/** In iptables-save's order: source, destination, interface, protocol. */
function withLocalPods(matches: readonly Match[], localPods: LocalPods, negated: boolean): Match[] {
  if (localPods.kind === 'network') return [{ kind: 'source', network: localPods.network, negated }, ...matches];
  const name = localPods.kind === 'bridge' ? localPods.name : `${localPods.prefix}*`;
  const at = matches.findIndex(({ kind }) => kind !== 'source' && kind !== 'destination');
  return [...matches.slice(0, at), { kind: 'inputInterface', name, negated }, ...matches.slice(at)];
}

/** KUBE-EXT-…: what all outside addresses have in common. */
function externalChain(port: VirtualPort, { options }: PortContext): Chain {
  const rules: Rule[] = [];
  const comment = (text: string): Match => ({
    kind: 'comment',
    text: `${text} for ${port.name} external destinations`,
  });
  const toCluster: Verdict = { kind: 'jump', chain: portChainName('SVC', port.name, port.protocol) };
  if (port.externalLocal) {
    // Pods and the node itself are not from outside: as if they had gone out to a load balancer and come back.
    if (options.localPods !== undefined) {
      rules.push({ matches: withLocalPods([comment('pod traffic')], options.localPods, false), verdict: toCluster });
    }
    const fromNode: Match = { kind: 'localAddress', field: 'source', negated: false };
    rules.push(
      { matches: [comment('masquerade LOCAL traffic'), fromNode], verdict: toMarkMasq },
      { matches: [comment('route LOCAL traffic'), fromNode], verdict: toCluster },
    );
  } else {
    // The endpoint may be on another node, which would answer the client directly.
    rules.push({ matches: [comment('masquerade traffic')], verdict: toMarkMasq });
  }
  if (hasExternalEndpoints(port)) {
    const chain = portChainName(port.externalLocal ? 'SVL' : 'SVC', port.name, port.protocol);
    rules.push({ matches: [], verdict: { kind: 'jump', chain } });
  }
  return { name: portChainName('EXT', port.name, port.protocol), builtIn: false, rules };
}

/** KUBE-FW-…: what passes no range keeps its destination and is dropped in filter KUBE-PROXY-FIREWALL. */
function firewallChain(port: VirtualPort, { options }: PortContext): Chain {
  const chain = portChainName('EXT', port.name, port.protocol);
  const rules = allowedSources(port, options).map((network): Rule => {
    const source: Match = { kind: 'source', network, negated: false };
    const comment: Match = { kind: 'comment', text: `${port.name} loadbalancer IP` };
    return { matches: [source, comment], verdict: { kind: 'jump', chain } };
  });
  const text = `other traffic to ${port.name} will be dropped by KUBE-PROXY-FIREWALL`;
  rules.push({ matches: [{ kind: 'comment', text }], verdict: { kind: 'none' } });
  return { name: portChainName('FW', port.name, port.protocol), builtIn: false, rules };
}

/** The node reaches the load balancer's address from that very address, where it is one of its own. */
export function allowedSources(port: VirtualPort, options: RuleSetOptions): readonly string[] {
  const own = nodeAddress(options);
  const nodeAllowed = own !== undefined && port.sourceRanges.some((range) => isWithin(own, range));
  return nodeAllowed ? [...port.sourceRanges, ...port.loadBalancerIps] : port.sourceRanges;
}

/** KUBE-SEP-…: sends to one endpoint. An endpoint that calls itself is masqueraded, or it would answer itself directly. */
function endpointChain(
  port: VirtualPort,
  endpoint: VirtualPortEndpoint,
  { largeCluster, options }: PortContext,
): Chain {
  const comments: Match[] = largeCluster ? [] : [{ kind: 'comment', text: port.name }];
  const name = nameOf(port, endpoint);
  const seconds = port.affinityTimeoutS;
  const isSet = seconds !== undefined && options.affinitySets === true;
  const recent: Match[] = seconds === undefined || isSet ? [] : [{ kind: 'recentSet', list: name }];
  const set = isSet ? [rememberRule(affinitySetName(port.name, port.protocol, endpoint.addressPort, seconds))] : [];
  return {
    name,
    builtIn: false,
    rules: [
      {
        matches: [{ kind: 'source', network: endpoint.address, negated: false }, ...comments],
        verdict: toMarkMasq,
      },
      ...set,
      {
        matches: [
          { kind: 'protocol', protocol: port.protocol },
          ...comments,
          ...recent,
          { kind: 'transport', protocol: port.protocol },
        ],
        verdict: { kind: 'dnat', address: endpoint.address, port: endpoint.port },
      },
    ],
  };
}

function rememberRule(set: string): Rule {
  return { matches: [], effects: [{ kind: 'remember', set }], verdict: { kind: 'none' } };
}

/** The sets that a port's rules name, one an endpoint. */
export function affinitySets(port: VirtualPort, { affinitySets: wanted, family }: RuleSetOptions): NamedSet[] {
  const { affinityTimeoutS: timeoutS } = port;
  if (timeoutS === undefined || wanted !== true) return [];
  return port.reachable.map(({ addressPort }) => ({
    name: affinitySetName(port.name, port.protocol, addressPort, timeoutS),
    kind: 'set',
    keyTypes: [family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr'],
    timeoutS,
    elements: new Map(),
  }));
}

function nameOf(port: VirtualPort, endpoint: VirtualPortEndpoint): string {
  return endpointChainName(port.name, port.protocol, endpoint.addressPort);
}
