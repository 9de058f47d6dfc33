import { isWithin } from '../compile/network.ts';
import { isAffinitySet, SET_CLIENTS } from '../iptables/ipset-change.ts';
import type { Packet } from './packet.ts';
import type { RuleSet } from '../compile/rule-set.ts';
import type { ServiceAddress } from '../compile/service-addresses.ts';
import type { ConnectionSpread, RolloutSpread } from './spread-of-connections.ts';
import { connectionSpread, rolloutSpread } from './spread-of-connections.ts';
import { traceConnection } from './trace-connection.ts';
import { RuleSetError } from './walk-rules.ts';

export interface ExplainOptions {
  /** The client's address; default: one of the Pods' network, where the rules name it. */
  readonly source?: string;
  /** Numbers of long-lived connections to say the spread for; default: 1, n, 2n and 10n. */
  readonly connections?: readonly number[];
  /** How many pods there are after a scale-up; default: twice as many. */
  readonly scaleTo?: number;
}

export interface PodShare {
  readonly address: string;
  readonly port: number;
  /** Of new connections, in (0, 1]. */
  readonly share: number;
  /** The pod sees the node's address instead of the client's. */
  readonly masqueraded: boolean;
}

/** What a Service's address gives to connections, and to the gRPC calls on them. */
export interface ServiceExplanation extends ServiceAddress {
  readonly source: string;
  readonly pods: readonly PodShare[];
  /** Probabilities of the other fates. */
  readonly rejected: number;
  readonly dropped: number;
  readonly passed: number;
  /**
   * A client that was here before goes where it went; how many are remembered for each pod. xt_recent forgets beyond its
   * `ip_list_tot`, 100 unless the module was loaded otherwise; a set of nftables beyond 65,535, one of ipset beyond
   * 65,536.
   */
  readonly affinityClients?: number;
  readonly spreads: readonly ConnectionSpread[];
  readonly scaleUp?: { readonly pods: number; readonly idlePods: number };
  readonly rollout?: RolloutSpread;
  /** Conditions on the way that are not understood, each once: they are taken as not holding. */
  readonly unknown: readonly string[];
  /** Why the rules could not be followed to their end. */
  readonly problem?: string;
  /** Without the policies of the kernel's own chains; set where these would drop what the rules above let through. */
  readonly policyDrops: boolean;
}

const RECENT_CLIENTS = 100;
const NFT_SET_CLIENTS = 65_535;

/** By where the source is noted: a set of ipset, a set of nftables, or a list of xt_recent. */
function clientsKept(remembers: string | undefined, { hooks }: RuleSet): number | undefined {
  if (remembers === undefined) return undefined;
  if (isAffinitySet(remembers)) return SET_CLIENTS;
  return hooks === undefined ? RECENT_CLIENTS : NFT_SET_CLIENTS;
}

export function explainService(
  ruleSet: RuleSet,
  target: ServiceAddress,
  options: ExplainOptions = {},
): ServiceExplanation {
  const source = options.source ?? likelyPod(ruleSet);
  const packet: Packet = { ...target, destination: target.address, source };
  const unknown = new Set<string>();
  const pods: PodShare[] = [];
  const fates = { reject: 0, drop: 0, pass: 0 };
  let problem: string | undefined;
  let affinityClients: number | undefined;
  let policyDrops = false;
  try {
    const context = { ignorePolicies: true, onUnknown: (text: string): unknown => unknown.add(text) };
    for (const outcome of traceConnection(ruleSet, packet, context)) {
      if (outcome.kind === 'dnat') {
        const { address, port, masqueraded, probability: share } = outcome;
        affinityClients ??= clientsKept(outcome.remembers, ruleSet);
        pods.push({ address, port, share, masqueraded });
      } else fates[outcome.kind] += outcome.probability;
    }
    policyDrops = fates.drop === 0 && traceConnection(ruleSet, packet).some(({ kind }) => kind === 'drop');
  } catch (error) {
    if (!(error instanceof RuleSetError)) throw error;
    problem = error.message;
  }
  const shares = pods.map(({ share }) => share);
  const count = pods.length;
  const wanted = options.connections ?? [...new Set([1, count, 2 * count, 10 * count])];
  return {
    ...target,
    source,
    pods,
    rejected: fates.reject,
    dropped: fates.drop,
    passed: fates.pass,
    ...(affinityClients !== undefined && { affinityClients }),
    spreads: count === 0 ? [] : wanted.map((connections) => connectionSpread(shares, connections)),
    ...(count > 0 && { scaleUp: scaleUp(count, options.scaleTo) }),
    ...(count > 1 && { rollout: rolloutSpread(count) }),
    unknown: [...unknown],
    ...(problem !== undefined && { problem }),
    policyDrops,
  };
}

/** Open connections stay where they are: the new pods get none of their calls. */
function scaleUp(count: number, wanted: number | undefined): { readonly pods: number; readonly idlePods: number } {
  const pods = wanted ?? 2 * count;
  return { pods, idlePods: Math.max(0, pods - count) };
}

/** A client like most: of the network that the rules take for the Pods'; else of one that no rule names (RFC 5737). */
function likelyPod({ tables, family }: RuleSet): string {
  for (const chains of Object.values(tables)) {
    for (const chain of chains.values()) {
      for (const { matches } of chain.rules) {
        for (const match of matches) {
          if (match.kind !== 'source' || !match.negated || !match.network.includes('/')) continue;
          const inside = addressIn(match.network);
          if (inside !== undefined && !isWithin(inside, '127.0.0.0/8')) return inside;
        }
      }
    }
  }
  return family === 'IPv4' ? '192.0.2.1' : '2001:db8::1';
}

/** The last but one address of an IPv4 network, which rarely is a pod behind a Service; an odd one of an IPv6 one. */
function addressIn(network: string): string | undefined {
  const [base = '', bits = ''] = network.split('/');
  if (base.includes(':')) return base.endsWith('::') ? `${base}ffff:fffe` : undefined;
  const size = 2 ** (32 - Number(bits));
  if (size < 4) return undefined;
  const start = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const value = Math.floor(start / size) * size + size - 2;
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
