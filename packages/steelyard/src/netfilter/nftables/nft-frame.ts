import { nodePortAddresses } from '../compile/node-port-addresses.ts';
import { isLoopback } from '../compile/network.ts';
import type { RuleSetOptions } from '../compile/rule-options.ts';
import { masqueradeMark } from '../compile/rule-options.ts';
import type {
  Chain,
  Hook,
  HookedChain,
  Match,
  NamedSet,
  PacketField,
  Rule,
  SetElement,
  Verdict,
} from '../compile/rule-set.ts';

/** Source: kube-proxy, nftables `setupNFTables`. The table is all kube-proxy's, so names need no prefix. */
export const NFT_TABLE = 'kube-proxy';

/** NF_IP_PRI_NAT_DST, NF_IP_PRI_FILTER, NF_IP_PRI_NAT_SRC (linux/netfilter_ipv4.h). */
const DSTNAT = -100;
const FILTER = 0;
const SRCNAT = 100;

function at(chain: string, type: HookedChain['type'], priority: number): HookedChain {
  return { table: NFT_TABLE, chain, type, priority };
}

export const NFT_HOOKS: Readonly<Record<Hook, readonly HookedChain[]>> = {
  prerouting: [at('filter-prerouting-pre-dnat', 'filter', DSTNAT - 10), at('nat-prerouting', 'nat', DSTNAT)],
  input: [at('filter-input', 'filter', FILTER)],
  forward: [at('filter-forward', 'filter', FILTER)],
  output: [
    at('filter-output-pre-dnat', 'filter', DSTNAT - 10),
    at('nat-output', 'nat', DSTNAT),
    at('filter-output', 'filter', FILTER),
  ],
  postrouting: [at('nat-postrouting', 'nat', SRCNAT)],
};

const ADDRESS_AND_PORT: readonly PacketField[] = ['destination', 'protocol', 'port'];
const NODE_PORT: readonly PacketField[] = ['protocol', 'port'];

/** What the Services put into the shared sets and maps, by the set's name, then by key. */
export type NftElements = Readonly<Record<NftSetName, ReadonlyMap<string, SetElement>>>;
export type NftSetName =
  | 'cluster-ips'
  | 'service-ips'
  | 'service-nodeports'
  | 'no-endpoint-services'
  | 'no-endpoint-nodeports'
  | 'firewall-ips'
  | 'hairpin-connections';

export function nftSets(elements: NftElements, options: RuleSetOptions): NamedSet[] {
  const address = options.family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr';
  const service = [address, 'inet_proto', 'inet_service'];
  const nodePort = ['inet_proto', 'inet_service'];
  const make = (kind: 'set' | 'map', name: NftSetName, keyTypes: readonly string[], comment: string): NamedSet => ({
    name,
    kind,
    keyTypes,
    comment,
    elements: elements[name],
  });
  const sets = [
    make('set', 'cluster-ips', [address], 'Active ClusterIPs'),
    make('map', 'service-ips', service, 'ClusterIP, ExternalIP and LoadBalancer IP traffic'),
    make('map', 'service-nodeports', nodePort, 'NodePort traffic'),
    make('map', 'no-endpoint-services', service, 'vmap to drop or reject packets to services with no endpoints'),
    make(
      'map',
      'no-endpoint-nodeports',
      nodePort,
      'vmap to drop or reject packets to service nodeports with no endpoints',
    ),
    make('map', 'firewall-ips', service, 'destinations that are subject to LoadBalancerSourceRanges'),
    make('set', 'hairpin-connections', [address, ...service], 'service hairpin connections'),
  ];
  const where = nodePortAddresses(options, ['primary']);
  if (where.kind === 'all') return sets;
  const own = new Map(
    where.addresses.filter((each) => !isLoopback(each)).map((each): [string, SetElement] => [each, {}]),
  );
  const comment = 'IPs that accept NodePort traffic';
  return [...sets, { name: 'nodeport-ips', kind: 'set', keyTypes: [address], comment, elements: own }];
}

export function nftFrame(options: RuleSetOptions): Chain[] {
  const { family } = options;
  const isNew: Match = { kind: 'conntrackState', states: ['NEW'] };
  const jump = (chain: string, ...matches: readonly Match[]): Rule => ({ matches, verdict: { kind: 'jump', chain } });
  const builtIn = (name: string, ...rules: readonly Rule[]): Chain => ({ name, builtIn: true, rules });
  const chain = (name: string, ...rules: readonly Rule[]): Chain => ({ name, builtIn: false, rules });
  const lookup = (map: NftSetName, fields: readonly PacketField[], ...matches: readonly Match[]): Rule => ({
    matches,
    verdict: { kind: 'lookup', fields, map },
  });
  const all = nodePortAddresses(options, ['primary']).kind === 'all';
  const loopback = family === 'IPv4' ? '127.0.0.0/8' : '::1';
  const notLoopback: Match = { kind: 'destination', network: loopback, negated: true };
  const toNodePort: Match = { kind: 'inSet', fields: ['destination'], set: 'nodeport-ips', negated: false };
  const toNode: Match = { kind: 'localAddress', field: 'destination', negated: false };
  return [
    builtIn('filter-prerouting-pre-dnat', jump('firewall-check', isNew)),
    builtIn('filter-output-pre-dnat', jump('firewall-check', isNew)),
    builtIn('filter-input', jump('nodeport-endpoints-check', isNew), jump('service-endpoints-check', isNew)),
    builtIn('filter-forward', jump('service-endpoints-check', isNew), jump('cluster-ips-check', isNew)),
    builtIn('filter-output', jump('service-endpoints-check', isNew), jump('cluster-ips-check', isNew)),
    builtIn('nat-prerouting', jump('services')),
    builtIn('nat-output', jump('services')),
    builtIn('nat-postrouting', jump('masquerading')),
    chain('nodeport-endpoints-check', lookup('no-endpoint-nodeports', NODE_PORT, all ? notLoopback : toNodePort)),
    chain('service-endpoints-check', lookup('no-endpoint-services', ADDRESS_AND_PORT)),
    chain('firewall-check', lookup('firewall-ips', ADDRESS_AND_PORT)),
    chain(
      'services',
      ...masqueradeClusterIps(options),
      lookup('service-ips', ADDRESS_AND_PORT),
      lookup('service-nodeports', NODE_PORT, ...(all ? [toNode, notLoopback] : [toNodePort])),
    ),
    chain('cluster-ips-check', ...clusterIpRules(options)),
    chain('masquerading', ...masqueradingRules(options)),
    chain('reject-chain', { matches: [], verdict: { kind: 'reject' } }),
  ];
}

function masqueradeClusterIps(options: RuleSetOptions): Rule[] {
  const toClusterIp: Match = { kind: 'inSet', fields: ['destination'], set: 'cluster-ips', negated: false };
  if (options.masqueradeAll === true) {
    return [markRule(options, 'masquerade all clusterIP traffic', toClusterIp)];
  }
  const { localPods } = options;
  if (localPods === undefined) return [];
  return [
    markRule(options, 'masquerade clusterIP traffic from outside cluster', toClusterIp, fromLocalPods(localPods, true)),
  ];
}

export function fromLocalPods(localPods: NonNullable<RuleSetOptions['localPods']>, negated: boolean): Match {
  switch (localPods.kind) {
    case 'network':
      return { kind: 'source', network: localPods.network, negated };
    case 'bridge':
      return { kind: 'inputInterface', name: localPods.name, negated };
    case 'interfacePrefix':
      return { kind: 'inputInterface', name: `${localPods.prefix}*`, negated };
    default:
      return localPods satisfies never;
  }
}

/** Marks what is to be masqueraded, and lets it go on. */
export function markRule(options: RuleSetOptions, comment: string, ...matches: readonly Match[]): Rule {
  const mark = masqueradeMark(options);
  return {
    matches: [...matches, { kind: 'comment', text: comment }],
    verdict: { kind: 'setMark', value: mark, mask: mark },
  };
}

/** What no Service took: ports that a ClusterIP does not have, and addresses that no Service has. */
function clusterIpRules({ serviceCidrs = [], family }: RuleSetOptions): Rule[] {
  const rules: Rule[] = [
    {
      matches: [
        { kind: 'inSet', fields: ['destination'], set: 'cluster-ips', negated: false },
        { kind: 'comment', text: 'Reject traffic to invalid ports of ClusterIPs' },
      ],
      verdict: { kind: 'reject' },
    },
  ];
  const networks = serviceCidrs.filter((network) => network.includes(':') === (family === 'IPv6'));
  if (networks.length > 0) {
    rules.push({
      matches: [
        { kind: 'among', field: 'destination', networks, negated: false },
        { kind: 'comment', text: 'Drop traffic to unallocated ClusterIPs' },
      ],
      verdict: { kind: 'drop' },
    });
  }
  return rules;
}

function masqueradingRules(options: RuleSetOptions): Rule[] {
  const mark = masqueradeMark(options);
  const masquerade: Verdict = { kind: 'masquerade', randomFully: true };
  return [
    {
      matches: [{ kind: 'mark', value: 0, mask: mark, negated: true }],
      effects: [{ kind: 'setMark', value: mark, mask: 0 }],
      verdict: masquerade,
    },
    {
      // A local endpoint that reached itself would answer itself directly.
      matches: [
        { kind: 'translated' },
        {
          kind: 'inSet',
          fields: ['source', 'destination', 'protocol', 'port'],
          set: 'hairpin-connections',
          negated: false,
        },
      ],
      verdict: masquerade,
    },
  ];
}
