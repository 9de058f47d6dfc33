import { DEFAULT_LOAD_BALANCER } from '../model/policy.ts';
import { hashText } from './hash.ts';
import { type HashPoints, keysOf, placePoints } from './hash-points.ts';
import { createLeastRequestPicker } from './least-request.ts';
import type { Balanced, Picker, Random } from './picker.ts';

const SECOND_SEED = 0x9e37_79b9;
const SECOND_BITS = 20;

/**
 * What a call that means one endpoint gives to PASSTHROUGH's picker: 52 bits of the endpoint's key, so that of ten thousand
 * endpoints two have the same in one of a hundred million clusters.
 */
export function hashOfEndpoint(key: string): number {
  return hashText(key) * 2 ** SECOND_BITS + (hashText(key, SECOND_SEED) >>> (32 - SECOND_BITS));
}

const { choiceCount } = DEFAULT_LOAD_BALANCER;

/** The endpoints of pickers by their hash, so that the picker of the next set need only look at what has changed. */
const orders = new WeakMap<object, HashPoints>();

/**
 * PASSTHROUGH: a call that means one of the endpoints goes there. Which one a call means that does not say so is known to its
 * caller only: it is treated as LEAST_REQUEST.
 *
 * @param previous the picker of the set before this one: where little has changed, only what is new is hashed
 */
export function createPassthroughPicker<T extends Balanced>(
  endpoints: readonly T[],
  random: Random,
  previous?: Picker<Balanced>,
): Picker<T> {
  const others = createLeastRequestPicker(endpoints, choiceCount, random);
  const order = placePoints(keysOf(endpoints), 1, (own) => own, previous && orders.get(previous));
  const picker: Picker<T> = {
    pick(hash) {
      return (hash === undefined ? undefined : endpoints[findMeant(order, hash)]) ?? others.pick();
    },
  };
  orders.set(picker, order);
  return picker;
}

/** The index of the endpoint whose hash it is; -1: there is none. */
function findMeant({ keys, hashes, owners }: HashPoints, hash: number): number {
  const first = Math.floor(hash / 2 ** SECOND_BITS);
  let low = 0;
  let high = hashes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((hashes[middle] ?? 0) < first) low = middle + 1;
    else high = middle;
  }
  // The order knows the first half of the hash; with the second a key is told from the few that share it.
  for (; hashes[low] === first; low++) {
    const owner = owners[low] ?? -1;
    if (hashOfEndpoint(keys[owner] ?? '') === hash) return owner;
  }
  return -1;
}
