/** Powers of two from a quarter of a millisecond on, as CoreDNS has them (plugin.TimeBuckets). Seconds. */
export const TIME_BOUNDS: readonly number[] = Array.from({ length: 16 }, (_, index) => 0.00025 * 2 ** index);
