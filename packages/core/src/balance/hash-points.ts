import { hashText } from './hash.ts';
import type { Balanced } from './picker.ts';

/** Points of endpoints by their hash: each of them has equally many. */
export interface HashPoints {
  /** Of the endpoints, in their order. */
  readonly keys: readonly string[];
  /** Of each endpoint. */
  readonly points: number;
  /** Ascending; equal ones stand in the order of their owners. */
  readonly hashes: Uint32Array;
  /** Indexes into `keys`. */
  readonly owners: Uint32Array;
}

/** What tells endpoints apart from one set to the next; those without a key are told apart by their place. */
export function keysOf(endpoints: readonly Balanced[]): readonly string[] {
  return endpoints.map((endpoint, index) => endpoint.key ?? `#${index}`);
}

/** Where the n-th point of an endpoint is whose key has the hash `own`: a whole number from 0 to 2^32 - 1. */
export type PointHash = (own: number, point: number) => number;

/**
 * @param previous where there is one, made with the same `hashOf`; of a set that differs little it is cheaper to start from
 */
export function placePoints(
  keys: readonly string[],
  points: number,
  hashOf: PointHash,
  previous?: HashPoints,
): HashPoints {
  const updated = previous?.points === points ? updatePoints(previous, keys, hashOf) : undefined;
  return updated ?? { keys, points, ...layPoints(keys, points, hashOf, 0) };
}

/**
 * The points after some endpoints of one stretch came or went: those of the others are copied, run by run, instead of laying
 * them all anew. Of the same endpoints they are the same points, not a copy. `undefined` when too much is different. The
 * result is what is laid from nothing.
 */
function updatePoints(previous: HashPoints, keys: readonly string[], hashOf: PointHash): HashPoints | undefined {
  const { keys: before, points } = previous;
  const shorter = Math.min(before.length, keys.length);
  let begin = 0;
  while (begin < shorter && before[begin] === keys[begin]) begin++;
  if (begin === keys.length && begin === before.length) return previous;
  let end = 0;
  while (end < shorter - begin && before[before.length - 1 - end] === keys[keys.length - 1 - end]) end++;
  const [oldEnd, newEnd] = [before.length - end, keys.length - end];
  if ((Math.max(oldEnd, newEnd) - begin) * 8 > keys.length) return undefined;
  const gone = layPoints(before.slice(begin, oldEnd), points, hashOf, begin);
  const added = layPoints(keys.slice(begin, newEnd), points, hashOf, begin);
  const hashes = new Uint32Array(keys.length * points);
  const owners = new Uint32Array(keys.length * points);
  const shift = keys.length - before.length;
  const count = previous.hashes.length;
  let [from, at, nextGone, nextAdded] = [0, 0, 0, 0];
  while (from < count || nextAdded < added.hashes.length) {
    // An endpoint may have two points of the same hash, side by side.
    const goneAt = Math.max(from, placeOf(previous, gone.hashes[nextGone], gone.owners[nextGone]));
    const addedAt = placeOf(previous, added.hashes[nextAdded], begin);
    const to = Math.min(goneAt, addedAt);
    hashes.set(previous.hashes.subarray(from, to), at);
    copyOwners(previous.owners.subarray(from, to), owners.subarray(at), begin, shift);
    at += to - from;
    from = to;
    if (addedAt <= goneAt && nextAdded < added.hashes.length) {
      hashes[at] = added.hashes[nextAdded] ?? 0;
      owners[at++] = added.owners[nextAdded++] ?? 0;
    } else if (nextGone < gone.hashes.length) {
      from++;
      nextGone++;
    }
  }
  return { keys, points, hashes, owners };
}

/** Where the first point is that is not before this one; none: the end. */
function placeOf({ hashes, owners }: Laid, hash = Infinity, owner = 0): number {
  let low = 0;
  let high = hashes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const there = hashes[middle] ?? 0;
    if (there < hash || (there === hash && (owners[middle] ?? 0) < owner)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Those from `begin` on have moved by `shift`. Without a branch, which would be foreseen as little as hashes are: twice as fast. */
function copyOwners(from: Uint32Array, to: Uint32Array, begin: number, shift: number): void {
  for (let at = 0; at < from.length; at++) {
    const was = from[at] ?? 0;
    to[at] = was + (((begin - 1 - was) >> 31) & shift);
  }
}

type Laid = Pick<HashPoints, 'hashes' | 'owners'>;

/** The points of these endpoints. @param first the index of the first of them */
function layPoints(keys: readonly string[], points: number, hashOf: PointHash, first: number): Laid {
  const unsorted = new Uint32Array(keys.length * points);
  for (const [index, key] of keys.entries()) {
    const own = hashText(key);
    for (let point = 0; point < points; point++) unsorted[index * points + point] = hashOf(own, point);
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
function sortByHash(unsorted: Uint32Array, points: number, first: number): Laid {
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
