import type { Protocol } from '@steelyard/core/model';

/** The first packet of a connection: the only one the nat table sees. */
export interface Packet {
  readonly source: string;
  readonly destination: string;
  /** Destination port, 1–65535. */
  readonly port: number;
  readonly protocol: Protocol;
  /**
   * Where it comes from: `pod` enters this node through an interface (PREROUTING, FORWARD), `host` is sent by a process
   * of the node itself (OUTPUT). Default `pod`.
   */
  readonly origin?: 'pod' | 'host';
}

/** What becomes of a connection. */
export type Outcome =
  /** Goes to another address than it was sent to; `masqueraded`: with the node's address as its source. */
  | { readonly kind: 'dnat'; readonly address: string; readonly port: number; readonly masqueraded: boolean }
  /** Refused at once with ICMP port unreachable. */
  | { readonly kind: 'reject' }
  /** Vanishes; the caller waits for its timeout. */
  | { readonly kind: 'drop' }
  /** The rules have nothing to say about it: goes on to where it was sent. */
  | { readonly kind: 'pass'; readonly masqueraded: boolean };

/** An outcome with its probability, in (0, 1]. */
export type ProbableOutcome = Outcome & { readonly probability: number };
