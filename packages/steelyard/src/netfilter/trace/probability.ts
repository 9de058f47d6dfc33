/** The kernel tosses 31 random bits: it matches when they are below the stored threshold (xt_statistic). */
const COIN_SIDES = 2 ** 31;

/**
 * The probability of the rule that has `remaining` endpoints left to choose from, itself included: 1 / remaining,
 * written with ten decimals as kube-proxy's `computeProbability` does with Go's `%0.10f`.
 */
export function probabilityText(remaining: number): string {
  const exact = 1 / remaining;
  const rounded = exact.toFixed(10);
  // At an exact tie JavaScript rounds up and Go to even. One value in reach is a tie: 1/2048 = 0.00048828125.
  const isTie = /^0\.\d{10}50*$/.test(exact.toFixed(60));
  if (isTie && Number(rounded.at(-1)) % 2 === 1) return `${rounded.slice(0, -1)}${Number(rounded.at(-1)) - 1}`;
  return rounded;
}

/**
 * The chance that a rule of this written probability applies: the kernel keeps round(p · 2^31), so 0.3333333333 is
 * really 715827883 / 2^31 = 0.33333333349.
 */
export function storedProbability(probability: number): number {
  return Math.round(probability * COIN_SIDES) / COIN_SIDES;
}

/** `numgen random` scales 32 random bits to `count` choices (nft_numgen, `reciprocal_scale`). */
const NUMGEN_SIDES = 2 ** 32;

/** The exact chance of choice `index` (from 0) of `count`: how many of the 32-bit numbers are scaled to it. */
export function shareOf(index: number, count: number): number {
  const first = Math.ceil((index * NUMGEN_SIDES) / count);
  return (Math.ceil(((index + 1) * NUMGEN_SIDES) / count) - first) / NUMGEN_SIDES;
}
