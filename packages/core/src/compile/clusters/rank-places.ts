import type { LocalityPolicy } from '../../config/index.ts';
import type { Endpoint, LocalityGroup } from '../../model/index.ts';
import type { ClientIdentity, ClientLocality } from '../client-identity.ts';
import { labelsOfClient, labelsOfEndpoint, type Place, renderPlace } from './places.ts';

/** Endpoints of one place that are equally near. */
export interface RankedPlace extends Place {
  /** Lower is nearer. */
  readonly rank: number;
}

/** Nearness has five grades, which are told apart within one rank by labels. */
const GRADES = 5;

export function rankByNearness(
  places: readonly Place[],
  client: ClientLocality,
  failover: LocalityPolicy['failover'],
): readonly RankedPlace[] {
  return places.map((place) => ({ ...place, rank: nearness(place.locality, client, failover) }));
}

/** 0 the same subzone, 1 zone, 2 region, 3 elsewhere; 4 what is not where the client's region fails over to. */
function nearness(place: ClientLocality, client: ClientLocality, failover: LocalityPolicy['failover']): number {
  if (place.region === client.region) {
    if (place.zone !== client.zone) return 2;
    return place.subzone === client.subzone ? 0 : 1;
  }
  const target = failover.find(({ from }) => from === client.region);
  return target === undefined || target.to === place.region ? 3 : 4;
}

/** The grades of what ranks alike by labels: by nearness, but only where a `failover` stands beside them. */
export function gradeByNearness(
  client: ClientLocality | undefined,
  failover: LocalityPolicy['failover'],
): (place: ClientLocality) => number {
  if (client === undefined || failover.length === 0) return () => 0;
  return (place) => nearness(place, client, failover);
}

/** 0 the client's region, 1 where that fails over to, 2 elsewhere (`applyZoneAwareRegionalFailover`). */
export function gradeByRegion(
  client: ClientLocality | undefined,
  failover: LocalityPolicy['failover'],
): (place: ClientLocality) => number {
  if (client === undefined) return () => 0;
  const target = failover.find(({ from }) => from === client.region)?.to;
  return ({ region }) => (region === client.region ? 0 : region === target ? 1 : 2);
}

/**
 * Endpoints rank by how many of the labels, from the first on, they share with the caller (or with the given value).
 * What ranks alike is told apart by `gradeOf`, from 0 to 4. `undefined` when nothing is known of the caller: then no
 * endpoint is nearer (pilot/pkg/networking/core/loadbalancer, `applyFailoverPriorities`).
 */
export function rankByLabels(
  endpoints: readonly Endpoint[],
  places: readonly Place[],
  wanted: readonly string[],
  gradeOf: (place: ClientLocality) => number,
  identity: ClientIdentity,
): readonly RankedPlace[] | undefined {
  const clientLabels = labelsOfClient(identity);
  if (Object.keys(clientLabels).length === 0) return undefined;
  return places.flatMap((place) => {
    const grade = gradeOf(place.locality);
    const ranks = new Map<number, number[]>();
    for (const member of place.members) {
      const endpoint = endpoints[member];
      if (endpoint === undefined) continue;
      const rank = labelRank(wanted, clientLabels, labelsOfEndpoint(endpoint, place.locality)) * GRADES + grade;
      ranks.set(rank, [...(ranks.get(rank) ?? []), member]);
    }
    return [...ranks.entries()].map(([rank, members]) => ({ ...place, members, rank }));
  });
}

const NETWORK = 'topology.istio.io/network';

type Labels = Readonly<Record<string, string>>;

/** 0 where all agree. Another network, when it is the first to be compared, is behind all of the own one and ranked anew. */
function labelRank(wanted: readonly string[], client: Labels, endpoint: Labels): number {
  let otherNetwork = 0;
  for (const [index, label] of wanted.entries()) {
    const [key = '', value] = label.split(/=(.*)/s);
    if ((value ?? client[key] ?? '') === (endpoint[key] ?? '')) continue;
    if (index > 0 || label !== NETWORK) return otherNetwork + wanted.length - index;
    otherNetwork = wanted.length;
  }
  return otherNetwork;
}

/** Priorities without gaps; one alone prefers nothing. @param least as many of them are something to go by */
export function compactPriorities(ranked: readonly RankedPlace[], least = 2): readonly LocalityGroup[] | undefined {
  const ranks = [...new Set(ranked.map(({ rank }) => rank))].toSorted((a, b) => a - b);
  if (ranks.length < least) return undefined;
  const priorities = new Map(ranks.map((rank, priority) => [rank, priority]));
  return ranked
    .map(({ locality, members, rank }) => ({
      locality: renderPlace(locality),
      priority: priorities.get(rank) ?? 0,
      weight: members.length,
      members,
    }))
    .toSorted((a, b) => a.priority - b.priority);
}
