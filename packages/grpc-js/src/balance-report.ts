/** How the calls of one channel were shared. */
export interface ChannelBalance {
  /** The target of the channel; empty where another resolver than ours has found its endpoints. */
  readonly target: string;
  readonly policy: string;
  readonly endpoints: readonly EndpointBalance[];
}

export interface EndpointBalance {
  /** `ip:port` */
  readonly endpoint: string;
  readonly zone?: string;
  readonly connected: boolean;
  /** Taken out by outlier detection, for now. */
  readonly ejected: boolean;
  /** Calls since the endpoint was first named, and those of them that ended with another status than OK. */
  readonly calls: number;
  readonly failed: number;
  readonly active: number;
  /** Part of the channel's calls over all endpoints that are named now, 0 to 1. */
  readonly share: number;
}

/** Something that can be asked for its balance, for as long as it is there. */
export interface Balances {
  balance(): ChannelBalance;
}

const open = new Set<Balances>();

/** Lists it in `balance()`, until the function that it returns is called. */
export function listBalance(balances: Balances): () => void {
  open.add(balances);
  return () => void open.delete(balances);
}

/** A report over all channels of this process whose policy is one of ours, idle ones left out. */
export function balance(): readonly ChannelBalance[] {
  return [...open].map((each) => each.balance());
}
