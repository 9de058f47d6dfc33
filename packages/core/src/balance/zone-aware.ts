import type { Balanced, Picker, Random } from './picker.ts';
import { type CreateInner, createPlacePicker, EVERYWHERE } from './place-picker.ts';

export interface Zoned extends Balanced {
  /** Undefined where it is not known. */
  readonly zone: string | undefined;
}

/**
 * How the calls of a caller in `localZone` are shared over the zones, as far as they can stay at home without any endpoint
 * getting more than its fair share: Envoy's zone aware routing, for callers that are spread evenly over the zones that have
 * endpoints. A zone with fewer endpoints than callers keeps what it can take; the rest goes where there is room.
 *
 * @param counts endpoints by zone
 * @returns shares by zone, sum 1; `undefined` where zones are no reason to prefer an endpoint: the local zone has none, or
 *   there is no other zone
 */
export function zoneShares(
  counts: ReadonlyMap<string | undefined, number>,
  localZone: string,
): ReadonlyMap<string | undefined, number> | undefined {
  const local = counts.get(localZone) ?? 0;
  if (local === 0 || counts.size < 2) return undefined;
  let total = 0;
  for (const count of counts.values()) total += count;
  const callers = 1 / counts.size;
  const capacity = local / total;
  if (capacity >= callers) return new Map([[localZone, 1]]);
  const shares = new Map<string | undefined, number>([[localZone, capacity / callers]]);
  let room = 0;
  for (const count of counts.values()) room += Math.max(0, count / total - callers);
  for (const [zone, count] of counts) {
    const free = Math.max(0, count / total - callers);
    if (free > 0) shares.set(zone, ((1 - capacity / callers) * free) / room);
  }
  return shares;
}

/**
 * Keeps calls in the caller's zone as `zoneShares` says, under any policy: each zone has a picker of its own. The set must
 * be the endpoints that can take calls now; when those of a zone fail, its calls spill over. A call with a hash is always in
 * the same zone while the shares stay.
 *
 * @param createInner the policy over the endpoints of one zone, or over all of them
 * @param previous the picker of the set before this one: each zone starts from the picker it had there
 */
export function createZoneAwarePicker<T extends Zoned>(
  endpoints: readonly T[],
  localZone: string,
  createInner: CreateInner<T>,
  random: Random,
  previous?: Picker<Balanced>,
): Picker<T> {
  const byZone = new Map<string | undefined, T[]>();
  for (const endpoint of endpoints) {
    const known = byZone.get(endpoint.zone);
    if (known === undefined) byZone.set(endpoint.zone, [endpoint]);
    else known.push(endpoint);
  }
  const shares = zoneShares(new Map([...byZone].map(([zone, members]) => [zone, members.length])), localZone);
  const places =
    shares === undefined
      ? [{ place: EVERYWHERE, members: endpoints, load: 1 }]
      : [...shares].map(([zone, load]) => ({ place: `/${zone ?? ''}`, members: byZone.get(zone) ?? [], load }));
  return createPlacePicker(places, random, createInner, previous);
}
