import type { LatencyEstimate } from './latency-estimate.ts';
import type { Balanced, Picker, Random } from './picker.ts';

export interface Timed extends Balanced {
  readonly latency: LatencyEstimate;
}

/**
 * PEAK_EWMA: of two endpoints drawn at random, the one whose calls under way and the new one cost less: latency ×
 * (calls + 1) × handicap. Reacts to slow endpoints within one call and forgets in a few `decayMs` (Finagle, linkerd).
 *
 * @param now milliseconds, the clock of the estimates
 */
export function createPeakEwmaPicker<T extends Timed>(
  endpoints: readonly T[],
  random: Random,
  now: () => number,
): Picker<T> {
  const count = endpoints.length;
  return {
    pick() {
      const first = Math.floor(random() * count);
      const one = endpoints[first];
      if (one === undefined || count === 1) return one;
      // Another one: draws of the same endpoint twice would be blind (see LEAST_REQUEST).
      const drawn = Math.floor(random() * (count - 1));
      const other = endpoints[drawn < first ? drawn : drawn + 1];
      if (other === undefined) return one;
      const nowMs = now();
      return cost(other, nowMs) < cost(one, nowMs) ? other : one;
    },
  };
}

function cost({ latency, activeRequests, handicap = 1 }: Timed, nowMs: number): number {
  return latency.at(nowMs) * (activeRequests + 1) * handicap;
}
