import { fieldOf, listOf, numberOf, pathOf, textOf } from '../json-value.ts';
import { canonicalAddress } from '../compile/network.ts';
import { parseProtocol } from '../iptables/parse-iptables-match.ts';
import type { ConntrackState, Match, PacketField } from '../compile/rule-set.ts';

/** A field of the packet, or several taken together (libnftables-json(5), PAYLOAD, META, CONCAT). */
export function parseFields(left: unknown): readonly PacketField[] | undefined {
  const parts = listOf(fieldOf(left, 'concat')) ?? [left];
  const fields = parts.map(parseField);
  return fields.every((field): field is PacketField => field !== undefined) ? fields : undefined;
}

function parseField(value: unknown): PacketField | undefined {
  if (pathOf(value, 'meta', 'key') === 'l4proto') return 'protocol';
  const protocol = textOf(pathOf(value, 'payload', 'protocol')) ?? '';
  const name = textOf(pathOf(value, 'payload', 'field'));
  if (name === 'saddr' && /^ip6?$/.test(protocol)) return 'source';
  if (name === 'daddr' && /^ip6?$/.test(protocol)) return 'destination';
  if (name === 'dport' && /^(th|tcp|udp|sctp)$/.test(protocol)) return 'port';
  if ((name === 'protocol' && protocol === 'ip') || (name === 'nexthdr' && protocol === 'ip6')) return 'protocol';
  return undefined;
}

/** `undefined`: says nothing about the packet, as a comparison that always holds. */
export function parseNftMatch(value: unknown): Match | readonly Match[] {
  const left = fieldOf(value, 'left');
  const right = fieldOf(value, 'right');
  const negated = fieldOf(value, 'op') === '!=';
  const found =
    parseFieldMatch(left, right, negated) ??
    parseMetaMatch(left, right, negated, fieldOf(value, 'op')) ??
    parseConntrackMatch(left, right, negated);
  return found ?? { kind: 'unknown', text: JSON.stringify(value) };
}

function parseFieldMatch(left: unknown, right: unknown, negated: boolean): Match | readonly Match[] | undefined {
  const fields = parseFields(left);
  if (fields === undefined) return undefined;
  const set = textOf(right);
  if (set?.startsWith('@') === true) return { kind: 'inSet', fields, set: set.slice(1), negated };
  const [field, ...others] = fields;
  if (field === undefined || others.length > 0) return undefined;
  const values = listOf(fieldOf(right, 'set')) ?? [right];
  switch (field) {
    case 'source':
    case 'destination': {
      const networks = values.map(parseNetwork);
      if (!networks.every((each): each is string => each !== undefined)) return undefined;
      const [network] = networks;
      if (networks.length === 1 && network !== undefined) return { kind: field, network, negated };
      return { kind: 'among', field, networks, negated };
    }
    case 'port': {
      const ranges = values.map(parsePortRange);
      if (!ranges.every((each): each is readonly [number, number] => each !== undefined)) return undefined;
      const ports: Match = { kind: 'ports', ranges, negated };
      const protocol = parseProtocol(textOf(pathOf(left, 'payload', 'protocol')) ?? '');
      return protocol === undefined ? ports : [{ kind: 'protocol', protocol }, ports];
    }
    case 'protocol': {
      const protocol = parseProtocol(String(right));
      return protocol === undefined ? undefined : { kind: 'protocol', protocol, ...(negated && { negated }) };
    }
    default:
      return field satisfies never;
  }
}

/** `"10.0.0.1"`, a prefix, or a range; also wrapped as an element. */
export function parseNetwork(value: unknown): string | undefined {
  const inner = pathOf(value, 'elem', 'val') ?? value;
  const text = textOf(inner);
  if (text !== undefined) return canonicalAddress(text);
  const address = textOf(pathOf(inner, 'prefix', 'addr'));
  const length = numberOf(pathOf(inner, 'prefix', 'len'));
  if (address !== undefined && length !== undefined) {
    return length === (address.includes(':') ? 128 : 32)
      ? canonicalAddress(address)
      : `${canonicalAddress(address)}/${length}`;
  }
  const [first, last] = (listOf(fieldOf(inner, 'range')) ?? []).map(textOf);
  return first === undefined || last === undefined ? undefined : `${canonicalAddress(first)}-${canonicalAddress(last)}`;
}

function parsePortRange(value: unknown): readonly [number, number] | undefined {
  const single = numberOf(value);
  if (single !== undefined) return [single, single];
  const [first, last] = (listOf(fieldOf(value, 'range')) ?? []).map(numberOf);
  return first === undefined || last === undefined ? undefined : [first, last];
}

const COIN_MASK = 2 ** 31 - 1;

function parseMetaMatch(left: unknown, right: unknown, negated: boolean, op: unknown): Match | undefined {
  const name = textOf(right);
  if (pathOf(left, 'meta', 'key') === 'iifname' && name !== undefined) return { kind: 'inputInterface', name, negated };
  if (pathOf(left, 'fib', 'result') === 'type' && right === 'local') {
    const flags = listOf(pathOf(left, 'fib', 'flags')) ?? [];
    if (flags.includes('saddr')) return { kind: 'localAddress', field: 'source', negated };
    if (flags.includes('daddr')) return { kind: 'localAddress', field: 'destination', negated };
  }
  const [masked, mask] = listOf(fieldOf(left, '&')) ?? [];
  const number = numberOf(right);
  if (number === undefined) return undefined;
  // How iptables-nft writes `-m statistic --mode random`.
  if (op === '<' && pathOf(masked, 'meta', 'key') === 'random' && mask === COIN_MASK) {
    return { kind: 'statistic', probability: number / (COIN_MASK + 1) };
  }
  if (op === '<' && pathOf(left, 'meta', 'key') === 'random')
    return { kind: 'statistic', probability: number / 2 ** 32 };
  const bits = numberOf(mask);
  if (pathOf(masked, 'meta', 'key') === 'mark' && bits !== undefined && (op === '==' || op === '!=')) {
    return { kind: 'mark', value: number, mask: bits, negated };
  }
  if (pathOf(left, 'meta', 'key') === 'mark' && (op === '==' || op === '!=')) {
    return { kind: 'mark', value: number, mask: 0xffff_ffff, negated };
  }
  return undefined;
}

const STATES: readonly ConntrackState[] = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'];

function parseConntrackMatch(left: unknown, right: unknown, negated: boolean): Match | undefined {
  const key = pathOf(left, 'ct', 'key');
  const values = listOf(right) ?? listOf(fieldOf(right, 'set')) ?? [right];
  if (key === 'status' && values.includes('dnat') && !negated) return { kind: 'translated' };
  if (key !== 'state') return undefined;
  const states = STATES.filter((state) => values.includes(state.toLowerCase()));
  return states.length === 0 ? undefined : { kind: 'conntrackState', states, ...(negated && { negated }) };
}
