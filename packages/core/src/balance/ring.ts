import { hashText, mixHash } from './hash.ts';

/** Points of one endpoint. Fixed, so that an endpoint that goes moves no keys but its own. */
const POINTS = 512;
/** Where `POINTS` for all would need more, each gets fewer; Envoy's own limit is 8 M. */
const MOST_POINTS = 2 ** 18;

/** Points of endpoints by their hash. */
export interface Ring {
  /** Of the endpoints, in their order. */
  readonly keys: readonly string[];
  /** Of each endpoint. */
  readonly points: number;
  /** Ascending. */
  readonly hashes: Uint32Array;
  /** Indexes into `keys`. */
  readonly owners: Uint32Array;
}

/** @param previous where there is one; of a set that differs little it is cheaper to start from */
export function createRing(keys: readonly string[], minimumRingSize: number, previous?: Ring): Ring {
  const points = pointsOf(keys.length, minimumRingSize);
  const updated = previous?.points === points ? updateRing(previous, keys) : undefined;
  return updated ?? { keys, points, ...placePoints(keys, points, 0) };
}

/**
 * The ring after some endpoints of one stretch came or went: a pass over its points instead of laying them all anew.
 * `undefined` when too much is different. The result is the very ring that `createRing` lays from nothing.
 */
function updateRing(previous: Ring, keys: readonly string[]): Ring | undefined {
  const { keys: before, points } = previous;
  const shorter = Math.min(before.length, keys.length);
  let begin = 0;
  while (begin < shorter && before[begin] === keys[begin]) begin++;
  let end = 0;
  while (end < shorter - begin && before[before.length - 1 - end] === keys[keys.length - 1 - end]) end++;
  const [oldEnd, newEnd] = [before.length - end, keys.length - end];
  if ((newEnd - begin) * 8 > keys.length) return undefined;
  const added = placePoints(keys.slice(begin, newEnd), points, begin);
  const hashes = new Uint32Array(keys.length * points);
  const owners = new Uint32Array(keys.length * points);
  const shift = keys.length - before.length;
  let at = 0;
  let next = 0;
  for (let old = 0; old < previous.hashes.length; old++) {
    const was = previous.owners[old] ?? 0;
    if (was >= begin && was < oldEnd) continue;
    const owner = was < begin ? was : was + shift;
    const hash = previous.hashes[old] ?? 0;
    // Equal hashes stand in the order of their owners.
    while (next < added.hashes.length && isBefore(added, next, hash, owner)) {
      hashes[at] = added.hashes[next] ?? 0;
      owners[at++] = added.owners[next++] ?? 0;
    }
    hashes[at] = hash;
    owners[at++] = owner;
  }
  hashes.set(added.hashes.subarray(next), at);
  owners.set(added.owners.subarray(next), at);
  return { keys, points, hashes, owners };
}

function isBefore({ hashes, owners }: Placed, at: number, hash: number, owner: number): boolean {
  const own = hashes[at] ?? 0;
  return own < hash || (own === hash && (owners[at] ?? 0) < owner);
}

type Placed = Pick<Ring, 'hashes' | 'owners'>;

/** The points of these endpoints. @param first the index of the first of them */
function placePoints(keys: readonly string[], points: number, first: number): Placed {
  const unsorted = new Uint32Array(keys.length * points);
  for (const [index, key] of keys.entries()) {
    const own = hashText(key);
    for (let point = 0; point < points; point++) {
      unsorted[index * points + point] = mixHash(own + Math.imul(point, 0x9e3779b1));
    }
  }
  return sortByHash(unsorted, points, first);
}

/**
 * Hashes are spread evenly, so each goes to about its place at once: as many buckets as there are points, by the leading
 * bits, and the few of one bucket by insertion. Time in proportion to the number of points, where sorting at large takes
 * ten times as long at 10,000 endpoints. Equal hashes stay in the order of their owners.
 *
 * @param points each endpoint's, side by side
 */
function sortByHash(unsorted: Uint32Array, points: number, first: number): Placed {
  const count = unsorted.length;
  const bits = Math.max(1, Math.ceil(Math.log2(count + 1)));
  const shift = 32 - bits;
  const ends = new Uint32Array(2 ** bits);
  for (let at = 0; at < count; at++) {
    const bucket = (unsorted[at] ?? 0) >>> shift;
    ends[bucket] = (ends[bucket] ?? 0) + 1;
  }
  for (let bucket = 1; bucket < ends.length; bucket++) ends[bucket] = (ends[bucket] ?? 0) + (ends[bucket - 1] ?? 0);
  const hashes = new Uint32Array(count);
  const owners = new Uint32Array(count);
  for (let at = count - 1; at >= 0; at--) {
    const hash = unsorted[at] ?? 0;
    const bucket = hash >>> shift;
    const place = (ends[bucket] ?? 0) - 1;
    ends[bucket] = place;
    hashes[place] = hash;
    owners[place] = first + Math.floor(at / points);
  }
  for (let at = 1; at < count; at++) {
    const hash = hashes[at] ?? 0;
    const owner = owners[at] ?? 0;
    let place = at;
    for (; place > 0 && (hashes[place - 1] ?? 0) > hash; place--) {
      hashes[place] = hashes[place - 1] ?? 0;
      owners[place] = owners[place - 1] ?? 0;
    }
    hashes[place] = hash;
    owners[place] = owner;
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
