import { BlockList, isIPv6 } from 'node:net';
import type { Packet } from './packet.ts';
import { storedProbability } from './probability.ts';
import type { Match } from './rule-set.ts';
import { unknownKind } from './unknown-kind.ts';

/** A packet on its way: what the rules have made of it so far. */
export interface PacketState {
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  readonly protocol: Packet['protocol'];
  /** The firewall mark (skb->mark). */
  readonly mark: number;
  readonly rewritten: boolean;
  readonly masqueraded: boolean;
}

/** The probability that a match holds: 0 or 1 for all but the coin toss. The packet opens a connection: its state is NEW. */
export function chanceOf(match: Match, packet: PacketState): number {
  switch (match.kind) {
    case 'comment':
      return 1;
    case 'statistic':
      return storedProbability(match.probability);
    case 'source':
      return toChance(isWithin(packet.source, match.network) !== match.negated);
    case 'destination':
      return toChance(isWithin(packet.destination, match.network));
    case 'protocol':
      return toChance(packet.protocol === match.protocol);
    case 'transport':
      return toChance(
        packet.protocol === match.protocol &&
          (match.destinationPort === undefined || match.destinationPort === packet.port),
      );
    case 'conntrackState':
      return toChance(match.states.includes('NEW'));
    case 'mark':
      return toChance(((packet.mark & match.mask) === match.value) !== match.negated);
    default:
      return unknownKind(match);
  }
}

function toChance(holds: boolean): number {
  return holds ? 1 : 0;
}

/** Is `address` in `network` (an address or CIDR)? Every spelling of an IPv6 address is the same address. */
function isWithin(address: string, network: string): boolean {
  const slash = network.indexOf('/');
  if (slash === -1 && address === network) return true;
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  const base = slash === -1 ? network : network.slice(0, slash);
  if (isIPv6(base) !== (family === 'ipv6') || (slash === -1 && family === 'ipv4')) return false;
  const list = new BlockList();
  if (slash === -1) list.addAddress(base, family);
  else list.addSubnet(base, Number(network.slice(slash + 1)), family);
  return list.check(address, family);
}
