import { hashText, mixHash } from './hash.ts';
import type { Balanced, Picker, Random } from './picker.ts';

/** Points of one endpoint. Fixed, so that an endpoint that goes moves no keys but its own. */
const POINTS = 512;
/** Where `POINTS` for all would need more, each gets fewer; Envoy's own limit is 8 M. */
const MOST_POINTS = 2 ** 18;
/** Indexes of endpoints beside their hash in one float64: exact up to 2^53. */
const INDEX_RANGE = 2 ** 21;

/**
 * RING_HASH: consistent hashing (Karger 1997). Every endpoint stands at many points of a ring; a call goes to the first
 * point at or after its hash. Envoy gives each endpoint `minimumRingSize / n` points, so that one pod that goes changes
 * the points of all others and moves up to twice its share of the keys; here the number does not depend on n until
 * there are 512 endpoints, and the ring is at least as large as asked for.
 *
 * @param minimumRingSize points on the ring at least, 1 to 8 M
 * @param hash of `pick`: where the call is; a call without one goes anywhere
 */
export function createRingHashPicker<T extends Balanced>(
  endpoints: readonly T[],
  minimumRingSize: number,
  random: Random,
): Picker<T> {
  const { hashes, owners } = buildRing(endpoints, minimumRingSize);
  return {
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
}

interface Ring {
  /** Ascending. */
  readonly hashes: Uint32Array;
  readonly owners: Uint32Array;
}

function buildRing(endpoints: readonly Balanced[], minimumRingSize: number): Ring {
  const points = pointsOf(endpoints.length, minimumRingSize);
  const packed = new Float64Array(endpoints.length * points);
  for (const [index, endpoint] of endpoints.entries()) {
    const own = hashText(keyOf(endpoint, index));
    for (let point = 0; point < points; point++) {
      packed[index * points + point] = mixHash(own + Math.imul(point, 0x9e3779b1)) * INDEX_RANGE + index;
    }
  }
  packed.sort();
  const hashes = new Uint32Array(packed.length);
  const owners = new Uint32Array(packed.length);
  for (const [at, value] of packed.entries()) {
    hashes[at] = Math.floor(value / INDEX_RANGE);
    owners[at] = value % INDEX_RANGE;
  }
  return { hashes, owners };
}

/** A power of two, so that it seldom changes with the number of endpoints. */
function pointsOf(count: number, minimumRingSize: number): number {
  if (count === 0) return 0;
  const wanted = Math.max(POINTS, 2 ** Math.ceil(Math.log2(minimumRingSize / count)));
  const affordable = Math.max(1, 2 ** Math.floor(Math.log2(Math.max(MOST_POINTS, minimumRingSize) / count)));
  return Math.max(Math.ceil(minimumRingSize / count), Math.min(wanted, affordable));
}

/** What tells endpoints apart from one set to the next; those without a key are told apart by their place. */
export function keyOf(endpoint: Balanced, index: number): string {
  return endpoint.key ?? `#${index}`;
}
