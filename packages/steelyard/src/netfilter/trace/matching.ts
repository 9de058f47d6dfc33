import type { NamedSet, PacketField } from '../compile/rule-set.ts';
import type { Match, TableName } from '../compile/rule-set.ts';
import { setKey } from '../compile/rule-set.ts';
import { isLoopback, isWithin } from '../compile/network.ts';
import type { Packet, TraceContext } from './packet.ts';
import { storedProbability } from './probability.ts';
import { unknownKind } from '../unknown-kind.ts';

/** A packet on its way: what the rules have made of it so far. */
export interface PacketState {
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  readonly protocol: Packet['protocol'];
  readonly origin: 'pod' | 'host';
  readonly inputInterface: string | undefined;
  /** The firewall mark (skb->mark). */
  readonly mark: number;
  readonly rewritten: boolean;
  readonly masqueraded: boolean;
  readonly remembers: string | undefined;
}

/** What a match may look at besides the packet. */
export interface Surroundings extends TraceContext {
  readonly sets: ReadonlyMap<string, NamedSet> | undefined;
}

/** The probability that a match holds: 0 or 1 for all but the coin toss. The packet opens a connection: its state is NEW. */
export function chanceOf(match: Match, packet: PacketState, table: TableName, around: Surroundings): number {
  if (match.kind === 'statistic') return storedProbability(match.probability);
  return holds(match, packet, table, around) ? 1 : 0;
}

type PlainMatch = Exclude<Match, { kind: 'statistic' }>;

function holds(match: PlainMatch, packet: PacketState, table: TableName, around: Surroundings): boolean {
  switch (match.kind) {
    case 'comment':
    case 'counter':
    case 'recentSet':
      return true;
    case 'source':
      return isWithin(packet.source, match.network) !== match.negated;
    case 'destination':
      return isWithin(packet.destination, match.network) !== match.negated;
    case 'among': {
      const address = packet[match.field];
      return match.networks.some((network) => isWithin(address, network)) !== match.negated;
    }
    case 'inSet':
      return isInSet(match.fields, match.set, packet, table, around) !== match.negated;
    case 'protocol':
      return (packet.protocol === match.protocol) !== (match.negated ?? false);
    case 'transport':
      return (
        packet.protocol === match.protocol &&
        (match.destinationPort === undefined || match.destinationPort === packet.port)
      );
    case 'ports':
      return match.ranges.some(([first, last]) => first <= packet.port && packet.port <= last) !== match.negated;
    case 'conntrackState':
      return hasState(match.states, packet) !== (match.negated ?? false);
    case 'mark':
      return ((packet.mark & match.mask) === match.value) !== match.negated;
    case 'inputInterface':
      return isInterface(packet.inputInterface, match.name) !== match.negated;
    case 'localAddress':
      return isLocal(match.field, packet, around) !== match.negated;
    case 'recentCheck':
      return around.remembered?.has(match.list) === true;
    case 'translated':
      return packet.rewritten;
    case 'unknown':
      around.onUnknown?.(match.text);
      return false;
    default:
      return unknownKind(match);
  }
}

function hasState(states: readonly string[], packet: PacketState): boolean {
  return (
    states.includes('NEW') ||
    (states.includes('DNAT') && packet.rewritten) ||
    (states.includes('SNAT') && packet.masqueraded)
  );
}

function isInterface(actual: string | undefined, name: string): boolean {
  if (actual === undefined) return false;
  return name.endsWith('*') ? actual.startsWith(name.slice(0, -1)) : actual === name;
}

/** Is it one of the node's own? What a process of the node sends comes from one of them, whichever it is. */
export function isLocal(field: 'source' | 'destination', packet: PacketState, around: TraceContext): boolean {
  if (field === 'source' && packet.origin === 'host') return true;
  return isLoopback(packet[field]) || around.localAddresses?.includes(packet[field]) === true;
}

function isInSet(
  fields: readonly PacketField[],
  name: string,
  packet: PacketState,
  table: TableName,
  around: Surroundings,
): boolean {
  const set = around.sets?.get(setKey(table, name));
  if (around.remembered?.has(name) === true && fields.length === 1 && fields[0] === 'source') return true;
  if (set === undefined) return false;
  if (set.elements.has(lookupKey(fields, packet))) return true;
  const [field] = fields;
  if (fields.length !== 1 || (field !== 'source' && field !== 'destination')) return false;
  return set.networks?.some((network) => isWithin(packet[field], network)) === true;
}

export function lookupKey(fields: readonly PacketField[], packet: PacketState): string {
  return fields.map((field) => (field === 'protocol' ? packet.protocol.toLowerCase() : packet[field])).join(' . ');
}
