import type { IpFamily, Protocol } from '@steelyard/core/model';

/** One condition of a rule. A rule applies when all of its matches do. */
export type Match =
  /** An address or a network in CIDR notation. */
  | { readonly kind: 'source'; readonly network: string; readonly negated: boolean }
  | { readonly kind: 'destination'; readonly network: string; readonly negated: boolean }
  /** An address in one of several networks, addresses or ranges `A-B`, written in the rule itself (nftables). */
  | {
      readonly kind: 'among';
      readonly field: AddressField;
      readonly networks: readonly string[];
      readonly negated: boolean;
    }
  /** The fields, taken together, are in a named set of the same table (nftables). */
  | { readonly kind: 'inSet'; readonly fields: readonly PacketField[]; readonly set: string; readonly negated: boolean }
  | { readonly kind: 'protocol'; readonly protocol: Protocol; readonly negated?: boolean }
  /** Always matches; says what the rule is for. At most 256 bytes (xt_comment), 128 in nftables. */
  | { readonly kind: 'comment'; readonly text: string }
  | { readonly kind: 'transport'; readonly protocol: Protocol; readonly destinationPort?: number }
  /** Destination ports written in the rule itself, as single ports or inclusive ranges. */
  | { readonly kind: 'ports'; readonly ranges: readonly (readonly [number, number])[]; readonly negated: boolean }
  /** Matches by chance, with the probability as written; see `storedProbability` for the one the kernel uses. */
  | { readonly kind: 'statistic'; readonly probability: number }
  | { readonly kind: 'conntrackState'; readonly states: readonly ConntrackState[]; readonly negated?: boolean }
  | { readonly kind: 'mark'; readonly value: number; readonly mask: number; readonly negated: boolean }
  /** Came in through an interface of this name; a `*` at the end stands for any rest. */
  | { readonly kind: 'inputInterface'; readonly name: string; readonly negated: boolean }
  /** The address is one of this node's own. */
  | { readonly kind: 'localAddress'; readonly field: AddressField; readonly negated: boolean }
  /** The source's last visit, noted under `list`, is at most `seconds` ago (xt_recent `--rcheck --reap`). */
  | { readonly kind: 'recentCheck'; readonly list: string; readonly seconds: number }
  /** Always matches; notes the source's visit under `list` (xt_recent `--set`). */
  | { readonly kind: 'recentSet'; readonly list: string }
  /** Always matches; counts the packet under a name that accounting tools read (xt_nfacct). */
  | { readonly kind: 'counter'; readonly name: string }
  /** Has had its destination rewritten (nftables `ct status dnat`). */
  | { readonly kind: 'translated' }
  /** A condition that is not understood, of a dump: taken as not holding. */
  | { readonly kind: 'unknown'; readonly text: string };

export type AddressField = 'source' | 'destination';
export type PacketField = AddressField | 'protocol' | 'port';

export type ConntrackState = 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED' | 'SNAT' | 'DNAT';

/** What a rule that applies does on the way to its verdict; the packet goes on. */
export type Effect =
  /** mark = (mark & ~mask) ^ value (iptables-extensions(8), MARK `--set-xmark`). */
  | { readonly kind: 'setMark'; readonly value: number; readonly mask: number }
  /** Puts the source into a named set, or renews it there. */
  | { readonly kind: 'remember'; readonly set: string };

/** What a rule that applies does in the end. */
export type Verdict =
  | { readonly kind: 'jump'; readonly chain: string }
  /** Like a jump, but the end of that chain returns to this one's caller. */
  | { readonly kind: 'goto'; readonly chain: string }
  | { readonly kind: 'return' }
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  /** An ICMP port-unreachable answer: the caller's connect fails at once. */
  | { readonly kind: 'reject' }
  /** Without a port, the port stays. */
  | { readonly kind: 'dnat'; readonly address: string; readonly port?: number }
  /** As the effect; the packet goes on to the next rule. */
  | { readonly kind: 'setMark'; readonly value: number; readonly mask: number }
  | { readonly kind: 'masquerade'; readonly randomFully: boolean }
  /** No target: the packet goes on. */
  | { readonly kind: 'none' }
  /** The verdict that a named map of the same table has for the fields; without one the packet goes on. */
  | { readonly kind: 'lookup'; readonly fields: readonly PacketField[]; readonly map: string }
  /** One of these, each with the same chance (nftables `numgen random`); `undefined`: the packet goes on. */
  | { readonly kind: 'share'; readonly choices: readonly (Verdict | undefined)[] }
  /** A target that is not understood, of a dump: taken as letting the packet go on. */
  | { readonly kind: 'unknown'; readonly text: string };

export interface Rule {
  readonly matches: readonly Match[];
  readonly effects?: readonly Effect[];
  readonly verdict: Verdict;
}

export interface Chain {
  readonly name: string;
  /** A chain that the kernel enters by itself. In iptables it has only the jumps that we need, in their final order. */
  readonly builtIn: boolean;
  readonly rules: readonly Rule[];
  /** What becomes of packets that reach the end of a built-in chain; default `accept`. */
  readonly policy?: 'accept' | 'drop';
}

export type Hook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';

/** A built-in chain at one of the kernel's hooks. */
export interface HookedChain {
  readonly table: TableName;
  readonly chain: string;
  /** `nat` chains see only the first packet of a connection. */
  readonly type: 'filter' | 'nat' | 'route';
  /** Lower ones come first (nftables). */
  readonly priority: number;
}

/** A set (`verdict` absent in its elements) or a verdict map of nftables. */
export interface NamedSet {
  readonly name: string;
  readonly kind: 'set' | 'map';
  /** Types of the key's fields in nftables' words: `ipv4_addr`, `inet_proto`, … */
  readonly keyTypes: readonly string[];
  /** Present for sets that packets fill: seconds after which an element vanishes. */
  readonly timeoutS?: number;
  readonly comment?: string;
  /** By key, its fields joined with ` . `. */
  readonly elements: ReadonlyMap<string, SetElement>;
  /** Elements that are networks or ranges `A-B`, of sets with one field. */
  readonly networks?: readonly string[];
}

export interface SetElement {
  readonly verdict?: Verdict;
  readonly comment?: string;
}

/** `filter` and `nat` in iptables; any name in nftables. */
export type TableName = string;

/** The rules of one address family: the kernel keeps IPv4 and IPv6 apart, and so do we. */
export interface RuleSet {
  readonly family: IpFamily;
  /** By table, then by chain name, in the order in which they are written. */
  readonly tables: Readonly<Record<TableName, ReadonlyMap<string, Chain>>>;
  /** Which chains the kernel enters, in order; absent: those of iptables. */
  readonly hooks?: Readonly<Record<Hook, readonly HookedChain[]>>;
  /** By `setKey`. */
  readonly sets?: ReadonlyMap<string, NamedSet>;
}

export function setKey(table: TableName, name: string): string {
  return `${table} ${name}`;
}
