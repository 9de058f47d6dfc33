import { hashText } from './hash.ts';

/**
 * The `size` items of highest rank for this caller: random subsetting by rendezvous hashing (gRFC A68). Callers with
 * different seeds spread evenly over the items; when an item comes or goes, a caller's subset changes by that one at most.
 *
 * @param seed of this caller, drawn once and kept, or else every update would be a new draw
 * @param keyOf tells items apart, the same at every update
 * @returns all items when there are no more than `size`; the order is that of `items`
 */
export function chooseSubset<T>(
  items: readonly T[],
  size: number,
  seed: number,
  keyOf: (item: T) => string,
): readonly T[] {
  if (items.length <= size) return items;
  const ranked = items.map((item, index) => ({ item, index, rank: hashText(keyOf(item), seed) }));
  ranked.sort((a, b) => b.rank - a.rank || a.index - b.index);
  return ranked
    .slice(0, Math.max(0, size))
    .toSorted((a, b) => a.index - b.index)
    .map(({ item }) => item);
}
