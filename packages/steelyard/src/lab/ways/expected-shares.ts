import type { Endpoint } from '@steelyard/core/model';
import { podKey } from '../lab-target.ts';

/** Share of each pod by its `ip:port`; they sum to 1. */
export type Shares = ReadonlyMap<string, number>;

export function equalShares(pods: readonly Endpoint[]): Shares {
  return new Map(pods.map((pod) => [podKey(pod), 1 / pods.length]));
}
