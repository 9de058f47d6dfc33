import type { BackendWeight, BackendWeightOptions } from './backend-weight.ts';
import type { Balanced, Picker, Random } from './picker.ts';
import { createWeightedSchedule } from './weighted-schedule.ts';

export interface WeightedRoundRobinOptions extends BackendWeightOptions {
  /** How often the turns follow new weights; at least 100 ms (gRFC A58). */
  readonly weightUpdatePeriodMs: number;
}

/** gRFC A58, "LB policy config and defaults". */
export const DEFAULT_WEIGHTED_ROUND_ROBIN: WeightedRoundRobinOptions = {
  blackoutPeriodMs: 10_000,
  weightExpirationPeriodMs: 180_000,
  weightUpdatePeriodMs: 1000,
  errorUtilizationPenalty: 1,
};

const SHORTEST_UPDATE_PERIOD_MS = 100;
/** No endpoint has more than ten times, or less than a tenth of the mean: one wrong report must not move all calls. */
const MAX_RATIO = 10;

export interface Weighed extends Balanced {
  readonly backendWeight: BackendWeight;
}

/**
 * WEIGHTED_ROUND_ROBIN: turns in proportion to what the backends say they can do (gRFC A58). An endpoint without a weight
 * counts as one of mean weight, so a newcomer gets calls and thereby earns reports; with fewer than two weights all are
 * equal.
 *
 * @param now milliseconds, never going back
 * @param onUpdate told of the weights whenever they are taken over, 0 for those that cannot be used
 */
export function createWeightedRoundRobinPicker<T extends Weighed>(
  endpoints: readonly T[],
  options: WeightedRoundRobinOptions,
  random: Random,
  now: () => number,
  onUpdate?: (weights: readonly number[]) => void,
): Picker<T> {
  const periodMs = Math.max(options.weightUpdatePeriodMs, SHORTEST_UPDATE_PERIOD_MS);
  let nextUpdate = -Infinity;
  let nextTurn: () => number = () => 0;
  return {
    pick() {
      if (endpoints.length <= 1) return endpoints[0];
      const nowMs = now();
      if (nowMs >= nextUpdate) {
        nextUpdate = nowMs + periodMs;
        const weights = endpoints.map(({ backendWeight }) => backendWeight.at(options, nowMs));
        onUpdate?.(weights);
        nextTurn = createWeightedSchedule(completeWeights(weights), random);
      }
      return endpoints[nextTurn()];
    },
  };
}

/** Fills in the unknown weights (0), and cuts off what is far from the mean. */
export function completeWeights(weights: readonly number[]): readonly number[] {
  const known = weights.filter((weight) => weight > 0);
  if (known.length < 2) return weights.map(() => 1);
  const mean = known.reduce((sum, weight) => sum + weight, 0) / known.length;
  return weights.map((weight) => (weight > 0 ? Math.min(Math.max(weight, mean / MAX_RATIO), mean * MAX_RATIO) : mean));
}
