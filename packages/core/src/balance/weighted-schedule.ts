import type { Random } from './picker.ts';

/** Weights are scaled to 16 bits: shares are exact to 1/65535 of the largest. */
const MAX_SCALED = 65_535;
/** Where in its period an endpoint starts, so that equal weights do not come in blocks. */
const STAGGER = 32_767;
/** Keeps the products below 2^53. */
const MAX_GENERATION = 2 ** 32;

/**
 * Shares turns by weight, evenly spread over time, without allocating: the static stride scheduler of gRFC A58. In each
 * generation endpoint i is passed once; it is taken when its running sum of weights overflows.
 *
 * @param weights finite, not negative, at least one of them positive
 * @param random where in the first generation to begin, so that callers do not move in step
 * @returns the index of the next turn
 */
export function createWeightedSchedule(weights: readonly number[], random: Random): () => number {
  const largest = Math.max(...weights);
  const scaled = weights.map((weight) => (weight > 0 ? Math.max(1, Math.round((weight / largest) * MAX_SCALED)) : 0));
  const count = scaled.length;
  let index = Math.floor(random() * count);
  // Any generation is as good as any other to begin with.
  let generation = Math.floor(random() * MAX_SCALED);
  return () => {
    for (;;) {
      const at = index;
      const weight = scaled[at] ?? 0;
      const sum = weight * generation + at * STAGGER;
      index++;
      if (index >= count) {
        index = 0;
        generation = generation + 1 < MAX_GENERATION ? generation + 1 : 0;
      }
      if (sum % MAX_SCALED >= MAX_SCALED - weight) return at;
    }
  };
}
