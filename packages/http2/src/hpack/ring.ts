/**
 * A ring twice as large, with the entries of one that is full. Entry number n stands at `n & (length - 1)`, lengths are
 * powers of two. Most callers index a handful of fields: a connection that is idle should not hold room for 128.
 * @param inserted the number of the next entry
 */
export function enlargedRing<T>(ring: readonly (T | undefined)[], inserted: number): (T | undefined)[] {
  const { length } = ring;
  const larger: (T | undefined)[] = Array.from({ length: 2 * length }, () => undefined);
  for (let number = inserted - length; number < inserted; number++) {
    larger[number & (2 * length - 1)] = ring[number & (length - 1)];
  }
  return larger;
}
