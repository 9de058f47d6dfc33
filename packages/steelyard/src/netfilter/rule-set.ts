import type { IpFamily, Protocol } from '@steelyard/core/model';

/** One condition of a rule. A rule applies when all of its matches do. */
export type Match =
  /** An address or a network in CIDR notation. */
  | { readonly kind: 'source'; readonly network: string; readonly negated: boolean }
  | { readonly kind: 'destination'; readonly network: string }
  | { readonly kind: 'protocol'; readonly protocol: Protocol }
  /** Always matches; says what the rule is for. At most 256 bytes (xt_comment). */
  | { readonly kind: 'comment'; readonly text: string }
  | { readonly kind: 'transport'; readonly protocol: Protocol; readonly destinationPort?: number }
  /** Matches by chance, with the probability as written; see `storedProbability` for the one the kernel uses. */
  | { readonly kind: 'statistic'; readonly probability: number }
  | { readonly kind: 'conntrackState'; readonly states: readonly ConntrackState[] }
  | { readonly kind: 'mark'; readonly value: number; readonly mask: number; readonly negated: boolean };

export type ConntrackState = 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID';

/** What a rule that applies does. Only `jump` and `setMark` let the packet go on to later rules of the same table. */
export type Verdict =
  | { readonly kind: 'jump'; readonly chain: string }
  | { readonly kind: 'return' }
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  /** An ICMP port-unreachable answer: the caller's connect fails at once. */
  | { readonly kind: 'reject' }
  | { readonly kind: 'dnat'; readonly address: string; readonly port: number }
  /** mark = (mark & ~mask) ^ value (iptables-extensions(8), MARK `--set-xmark`). */
  | { readonly kind: 'setMark'; readonly value: number; readonly mask: number }
  | { readonly kind: 'masquerade'; readonly randomFully: boolean };

export interface Rule {
  readonly matches: readonly Match[];
  readonly verdict: Verdict;
}

export interface Chain {
  readonly name: string;
  /** The kernel's own chain (PREROUTING, FORWARD, …): here only the jumps that we need in it, in their final order. */
  readonly builtIn: boolean;
  readonly rules: readonly Rule[];
}

export type TableName = 'filter' | 'nat';

/** The rules of one address family: the kernel keeps IPv4 and IPv6 apart, and so do we. */
export interface RuleSet {
  readonly family: IpFamily;
  /** By table, then by chain name, in the order in which they are written. */
  readonly tables: Readonly<Record<TableName, ReadonlyMap<string, Chain>>>;
}
