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
  /** How many there are: more than one where its streams have run out, or more were asked for. */
  readonly connections: number;
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

/** Calls over the life of the process. */
export interface CallTotals {
  readonly started: number;
  readonly failed: number;
}

/** Of endpoints that are no longer held, by target. */
const retired = new Map<string, CallTotals>();

/** An endpoint is held no longer: what it has counted stays in the totals. */
export function retire(
  target: string,
  endpoint: { readonly startedCalls: number; readonly failedCalls: number },
): void {
  const { started, failed } = retired.get(target) ?? { started: 0, failed: 0 };
  retired.set(target, { started: started + endpoint.startedCalls, failed: failed + endpoint.failedCalls });
}

/** Calls of all channels of this process by target: they only grow, whatever becomes of endpoints and channels. */
export function callTotals(): ReadonlyMap<string, CallTotals> {
  const totals = new Map(retired);
  for (const { target, endpoints } of balance()) {
    for (const { calls, failed } of endpoints) {
      const known = totals.get(target) ?? { started: 0, failed: 0 };
      totals.set(target, { started: known.started + calls, failed: known.failed + failed });
    }
  }
  return totals;
}
