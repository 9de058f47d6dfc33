import { type HashPoints, keysOf } from './hash-points.ts';
import type { Balanced, Picker, Random } from './picker.ts';
import { createRing } from './ring.ts';

/** The rings of pickers, so that the picker of the next set can start from there. */
const rings = new WeakMap<object, HashPoints>();

/**
 * RING_HASH: consistent hashing (Karger 1997). Every endpoint stands at many points of a ring; a call goes to the first
 * point at or after its hash. Envoy gives each endpoint `minimumRingSize / n` points, so that one pod that goes changes
 * the points of all others and moves up to twice its share of the keys; here the number does not depend on n until
 * there are 512 endpoints, and the ring is at least as large as asked for.
 *
 * @param minimumRingSize points on the ring at least, 1 to 8 M
 * @param hash of `pick`: where the call is; a call without one goes anywhere
 * @param previous the picker of the set before this one: where little has changed, most of its ring is taken over
 */
export function createRingHashPicker<T extends Balanced>(
  endpoints: readonly T[],
  minimumRingSize: number,
  random: Random,
  previous?: Picker<Balanced>,
): Picker<T> {
  const before = previous && rings.get(previous);
  const ring = createRing(keysOf(endpoints), minimumRingSize, before);
  const { hashes, owners } = ring;
  const picker: Picker<T> = {
    pick(hash) {
      const wanted = hash ?? random() * 2 ** 32;
      let low = 0;
      let high = hashes.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((hashes[middle] ?? 0) < wanted) low = middle + 1;
        else high = middle;
      }
      return endpoints[owners[low === hashes.length ? 0 : low] ?? 0];
    },
  };
  rings.set(picker, ring);
  return picker;
}
