import type { Protocol } from '@steelyard/core/model';

/** The first packet of a connection: the only one the nat table sees. */
export interface Packet {
  readonly source: string;
  readonly destination: string;
  /** Destination port, 1–65535. */
  readonly port: number;
  readonly protocol: Protocol;
  /**
   * Where it comes from: `pod` enters this node through an interface (PREROUTING, then FORWARD or INPUT), `host` is sent
   * by a process of the node itself (OUTPUT). Default `pod`.
   */
  readonly origin?: 'pod' | 'host';
  /** The interface it enters through; absent: one that no rule names. */
  readonly inputInterface?: string;
}

/** What the rules cannot say: the state of the node that a packet meets. */
export interface TraceContext {
  /** The node's own addresses, besides loopback. */
  readonly localAddresses?: readonly string[];
  /** Lists of xt_recent, or sets of nftables, in which the source stands; default none: a new client. */
  readonly remembered?: ReadonlySet<string>;
  /** Called for each match or target on the way that is not understood. */
  readonly onUnknown?: (text: string) => void;
  /** Let the end of a built-in chain accept whatever its policy says. */
  readonly ignorePolicies?: boolean;
}

/** What becomes of a connection. */
export type Outcome =
  /** Goes to another address than it was sent to; `masqueraded`: with the node's address as its source. */
  | {
      readonly kind: 'dnat';
      readonly address: string;
      readonly port: number;
      readonly masqueraded: boolean;
      /** The list or set that the source was put into: its next connections come here too. */
      readonly remembers?: string;
    }
  /** Refused at once with ICMP port unreachable. */
  | { readonly kind: 'reject' }
  /** Vanishes; the caller waits for its timeout. */
  | { readonly kind: 'drop' }
  /** The rules have nothing to say about it: goes on to where it was sent. */
  | { readonly kind: 'pass'; readonly masqueraded: boolean };

/** An outcome with its probability, in (0, 1]. */
export type ProbableOutcome = Outcome & { readonly probability: number };
