import { mixHash } from './hash.ts';
import type { Balanced, Picker, Random } from './picker.ts';

/** The endpoints of one place that are in use. */
export interface PlaceShare<T> {
  /** What tells places apart, the same from one set to the next. */
  readonly place: string;
  readonly members: readonly T[];
  /** Of all calls, in no particular unit. */
  readonly load: number;
}

/** The place of endpoints that all share alike, wherever they are. */
export const EVERYWHERE = '';

/** The policy over the endpoints of one place. @param previous the picker that this place had in the set before */
export type CreateInner<T extends Balanced> = (
  members: readonly T[],
  previous: Picker<Balanced> | undefined,
) => Picker<T>;

/** The places' pickers that a picker is made of, so that those of the next set can start from them. */
const pickersOfPlaces = new WeakMap<object, ReadonlyMap<string, Picker<Balanced>>>();

/**
 * Shares calls among places, each with a picker of its own. A call without a hash goes to a place at random, one with a hash
 * always to the same.
 *
 * A place's new picker is made beside its old one even where its members stay: whether a policy, its settings and its clock
 * are still the same only `createInner` knows. What a policy can take over then (a table, a ring) it takes over as it is.
 *
 * @param shares of no place: nothing is picked
 * @param previous the picker of the set before this one; pickers of anything else are of no use, but do no harm
 */
export function createPlacePicker<T extends Balanced>(
  shares: readonly PlaceShare<T>[],
  random: Random,
  createInner: CreateInner<T>,
  previous?: Picker<Balanced>,
): Picker<T> {
  const before = previous && pickersOfPlaces.get(previous);
  const byPlace = new Map<string, Picker<T>>();
  const pickers = shares.map(({ place, members }) => {
    const picker = createInner(members, before?.get(place));
    byPlace.set(place, picker);
    return picker;
  });
  const picker = choosePlace(shares, pickers, random);
  pickersOfPlaces.set(picker, byPlace);
  return picker;
}

/** @param pickers beside `shares` */
function choosePlace<T extends Balanced>(
  shares: readonly PlaceShare<T>[],
  pickers: readonly Picker<T>[],
  random: Random,
): Picker<T> {
  const [only, ...others] = pickers;
  if (only === undefined || others.length === 0) return only ?? { pick: () => undefined };
  const bounds = Float64Array.from(shares, () => 0);
  let total = 0;
  for (const [index, { load }] of shares.entries()) {
    total += load;
    bounds[index] = total;
  }
  return {
    pick(hash) {
      // A key must find its place again, too: the place follows from the key's hash, by other bits than the endpoint.
      const point = (hash === undefined ? random() : mixHash(hash ^ 0x2545f491) / 2 ** 32) * total;
      let index = 0;
      while (index < bounds.length - 1 && point >= (bounds[index] ?? 0)) index++;
      return pickers[index]?.pick(hash);
    },
  };
}
