import { renderEndpointAddress } from '../model/service.ts';
import type { Cluster } from '../model/snapshot.ts';
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

/**
 * The part of a cluster that this caller uses. Where it has localities, each is narrowed for itself: which place comes
 * first, and how much of it is whole, stays as it is.
 */
export function subsetOf<T extends Pick<Cluster, 'endpoints' | 'localities'>>(
  cluster: T,
  size: number,
  seed: number,
): T {
  const { endpoints, localities } = cluster;
  const keyAt = (index: number): string => {
    const endpoint = endpoints[index];
    return endpoint === undefined ? '' : renderEndpointAddress(endpoint.address, endpoint.port);
  };
  const groups = localities?.map(({ members }) => members) ?? [[...endpoints.keys()]];
  return narrowTo(
    cluster,
    groups.flatMap((members) => chooseSubset(members, size, seed, keyAt)).toSorted((a, b) => a - b),
  );
}

/** The cluster with these of its endpoints only. @param kept indexes, ascending */
export function narrowTo<T extends Pick<Cluster, 'endpoints' | 'localities'>>(cluster: T, kept: readonly number[]): T {
  const { endpoints, localities } = cluster;
  const places = new Map(kept.map((index, place) => [index, place]));
  return {
    ...cluster,
    endpoints: endpoints.filter((_, index) => places.has(index)),
    ...(localities !== undefined && {
      localities: localities.map((group) => ({
        ...group,
        members: group.members.flatMap((index) => places.get(index) ?? []),
      })),
    }),
  };
}
