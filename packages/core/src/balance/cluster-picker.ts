import type { Cluster, LocalityGroup, ZoneAwareRouting } from '../model/snapshot.ts';
import { createPicker } from './create-picker.ts';
import type { Balanced, Picker, Random } from './picker.ts';
import { type CreateInner, createPlacePicker, EVERYWHERE, type PlaceShare } from './place-picker.ts';
import { zoneShares } from './zone-aware.ts';

/** Envoy's overprovisioning factor: a place is as good as whole while 1 / 1.4 = 71 % of it is healthy. */
export const OVERPROVISIONING = 1.4;

/**
 * The picker of a cluster: its policy, within the places its `localities` prefer. Make a new one whenever the set or the
 * health of its endpoints changes.
 *
 * Priorities share as Envoy shares them ("Priority levels"): the first takes what its health allows, the next what is
 * left; within one, places share by weight times health, unless the first one goes by `zoneAware`. When no endpoint is
 * healthy, nothing is picked.
 *
 * @param endpoints beside `cluster.endpoints`, one each; `undefined` is one that must not be used now
 * @param createInner the policy over the endpoints of one place, or over all of them; default: the cluster's
 * @param previous the picker of the cluster before this one: each place starts from the picker it had there
 */
export function createClusterPicker<T extends Balanced>(
  cluster: Pick<Cluster, 'loadBalancer' | 'localities' | 'zoneAware'>,
  endpoints: readonly (T | undefined)[],
  random: Random,
  createInner: CreateInner<T> = (members, before) => createPicker(cluster.loadBalancer, members, random, before),
  previous?: Picker<Balanced>,
): Picker<T> {
  const { localities, zoneAware } = cluster;
  const shares =
    localities === undefined
      ? [{ place: EVERYWHERE, members: endpoints.filter(isThere), load: 1 }]
      : shareOut(localities, endpoints, zoneAware);
  return createPlacePicker(shares, random, createInner, previous);
}

/** What each place gets; places that get nothing are left out. @param endpoints as `createClusterPicker` takes them */
export function shareOut<T>(
  localities: readonly LocalityGroup[],
  endpoints: readonly (T | undefined)[],
  zoneAware?: ZoneAwareRouting,
): readonly PlaceShare<T>[] {
  const groups = localities.map((group) => {
    const members = group.members.map((index) => endpoints[index]).filter(isThere);
    const health = Math.min(1, (OVERPROVISIONING * members.length) / Math.max(1, group.members.length));
    const place = `${group.priority}/${group.locality}`;
    return { ...group, place, members, all: group.members.length, effective: group.weight * health };
  });
  const priorities = [...new Set(groups.map((group) => group.priority))].toSorted((a, b) => a - b);
  const levels = priorities.map((priority) => {
    const level = groups.filter((group) => group.priority === priority);
    const healthy = level.reduce((sum, group) => sum + group.members.length, 0);
    const all = level.reduce((sum, group) => sum + group.all, 0);
    return { level, health: Math.min(1, (OVERPROVISIONING * healthy) / Math.max(1, all)) };
  });
  // Envoy scales up what there is when all levels together are not whole.
  const whole = Math.min(
    1,
    levels.reduce((sum, { health }) => sum + health, 0),
  );
  let left = 1;
  const shares: PlaceShare<T>[] = [];
  for (const [index, { level, health }] of levels.entries()) {
    const load = whole === 0 ? 0 : Math.min(left, health / whole);
    left -= load;
    if (index === 0 && zoneAware !== undefined) {
      if (load > 0) shares.push(...shareOutByZone(level, load, zoneAware));
      continue;
    }
    const weights = level.reduce((sum, group) => sum + group.effective, 0);
    for (const { place, members, effective } of level) {
      if (load > 0 && effective > 0) shares.push({ place, members, load: (load * effective) / weights });
    }
  }
  return shares;
}

/**
 * Envoy's zone aware routing, which is for the first priority only: by zone while there are enough healthy endpoints, some of
 * them at home; else to all of them alike.
 */
function shareOutByZone<T>(
  groups: readonly { readonly place: string; readonly locality: string; readonly members: readonly T[] }[],
  load: number,
  { locality: home, minClusterSize }: ZoneAwareRouting,
): readonly PlaceShare<T>[] {
  const members = groups.flatMap((group) => group.members);
  const counts = new Map(groups.map(({ locality, members: own }) => [locality, own.length]));
  const shares = members.length < minClusterSize ? undefined : zoneShares(counts, home);
  if (shares === undefined) return members.length === 0 ? [] : [{ place: EVERYWHERE, members, load }];
  return groups.flatMap(({ place, locality, members: own }) => {
    const share = shares.get(locality) ?? 0;
    return share === 0 || own.length === 0 ? [] : [{ place, members: own, load: load * share }];
  });
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}
