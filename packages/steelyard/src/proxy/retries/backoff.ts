import type { Random } from '@steelyard/core/balance';

/** Envoy's, and what istio.io says of `HTTPRetry.backoff`: the interval doubles up to ten times the first. */
const MOST_TIMES = 10;

/**
 * Milliseconds before a retry: somewhere between 0 and the interval, all alike (Envoy's `JitteredExponentialBackOffStrategy`,
 * and gRFC A6).
 *
 * @param retry 0 for the first
 */
export function backoffMs(baseMs: number, retry: number, random: Random): number {
  return random() * baseMs * Math.min(2 ** Math.min(retry, 10), MOST_TIMES);
}
