import type { LocalityPolicy, TrafficPolicySettings } from '../config/index.ts';
import type { Endpoint, LocalityGroup } from '../model/index.ts';
import type { ClientIdentity, ClientLocality } from './client-identity.ts';
import { compareStrings } from './order.ts';

/**
 * Where calls go first, as pilot/pkg/networking/core/loadbalancer decides it: by weight when `distribute` says so, else
 * by nearness, but by nearness only when outlier detection watches the endpoints: without it nobody would notice that a
 * near one is broken. `undefined`: all endpoints alike.
 */
export function compileLocalities(
  endpoints: readonly Endpoint[],
  { locality: policy, outlierDetection }: TrafficPolicySettings,
  identity: ClientIdentity,
): readonly LocalityGroup[] | undefined {
  const { clientLocality: client } = identity;
  if (policy?.enabled === false || endpoints.length === 0) return undefined;
  const places = groupByPlace(endpoints, client?.region ?? '');
  if (policy !== undefined && policy.distribute.length > 0) {
    return client && distribute(places, policy.distribute, client);
  }
  if (outlierDetection === undefined) return undefined;
  const ranked = rankPlaces(endpoints, places, policy, identity);
  return ranked && compactPriorities(ranked);
}

interface Place {
  readonly locality: ClientLocality;
  readonly members: readonly number[];
}

/**
 * `istio-locality` of the Pod, with dots or slashes; else the zone of the slice. A slice does not say the region, which is
 * nearly always one for a whole cluster: what says none is where the callers are.
 */
function placeOf({ labels, zone }: Endpoint, clientRegion: string): ClientLocality {
  const [region = '', labelZone = '', subzone = ''] = (labels?.['istio-locality'] ?? '').split(/[./]/);
  return { region: region === '' ? clientRegion : region, zone: labelZone === '' ? (zone ?? '') : labelZone, subzone };
}

function groupByPlace(endpoints: readonly Endpoint[], clientRegion: string): readonly Place[] {
  const places = new Map<string, { readonly locality: ClientLocality; readonly members: number[] }>();
  for (const [index, endpoint] of endpoints.entries()) {
    const locality = placeOf(endpoint, clientRegion);
    const key = renderPlace(locality);
    const known = places.get(key);
    if (known === undefined) places.set(key, { locality, members: [index] });
    else known.members.push(index);
  }
  return [...places.entries()].toSorted(([a], [b]) => compareStrings(a, b)).map(([, place]) => place);
}

function renderPlace({ region, zone, subzone }: ClientLocality): string {
  return `${region}/${zone}/${subzone}`;
}

/** Whether `pattern` (`region`, `region/zone/*`, …) holds the place. */
function covers(pattern: string, { region, zone, subzone }: ClientLocality): boolean {
  const parts = [region, zone, subzone];
  return pattern.split('/').every((part, index) => part === '*' || part === parts[index]);
}

function distribute(
  places: readonly Place[],
  rules: LocalityPolicy['distribute'],
  client: ClientLocality,
): readonly LocalityGroup[] | undefined {
  const rule = rules.find(({ from }) => covers(from, client));
  if (rule === undefined) return undefined;
  const groups: LocalityGroup[] = [];
  for (const [pattern, weight] of Object.entries(rule.to)) {
    const covered = places.filter(({ locality }) => covers(pattern, locality));
    const total = covered.reduce((sum, { members }) => sum + members.length, 0);
    for (const { locality, members } of covered) {
      const share = (weight * members.length) / total;
      groups.push({ locality: renderPlace(locality), priority: 0, weight: share, members });
    }
  }
  return groups;
}

interface Ranked extends Place {
  readonly rank: number;
}

function rankPlaces(
  endpoints: readonly Endpoint[],
  places: readonly Place[],
  policy: LocalityPolicy | undefined,
  identity: ClientIdentity,
): readonly Ranked[] | undefined {
  const { clientLocality: client } = identity;
  const labels = policy?.failoverPriority ?? [];
  if (labels.length > 0) return rankByLabels(endpoints, places, labels, policy?.failover ?? [], identity);
  return (
    client && places.map((place) => ({ ...place, rank: nearness(place.locality, client, policy?.failover ?? []) }))
  );
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

/** Endpoints rank by how many of the labels, from the first on, they share with the caller (or with the given value). */
function rankByLabels(
  endpoints: readonly Endpoint[],
  places: readonly Place[],
  wanted: readonly string[],
  failover: LocalityPolicy['failover'],
  { clientLabels, clientLocality: client }: ClientIdentity,
): readonly Ranked[] {
  const clientWith = { ...clientLabels, ...(client !== undefined && placeLabels(client)) };
  const region = (place: ClientLocality): number =>
    client === undefined || failover.length === 0 || nearness(place, client, failover) < 4 ? 0 : 1;
  return places.flatMap((place) => {
    const ranks = new Map<number, number[]>();
    for (const member of place.members) {
      const labels = { ...endpoints[member]?.labels, ...placeLabels(place.locality) };
      const different = wanted.findIndex((label) => {
        const [key = '', value] = label.split(/=(.*)/s);
        return (value ?? clientWith[key] ?? '') !== (labels[key] ?? '');
      });
      const rank = (different < 0 ? 0 : wanted.length - different) * 2 + region(place.locality);
      ranks.set(rank, [...(ranks.get(rank) ?? []), member]);
    }
    return [...ranks.entries()].map(([rank, members]) => ({ ...place, members, rank }));
  });
}

function placeLabels({ region, zone, subzone }: ClientLocality): Readonly<Record<string, string>> {
  return {
    'topology.kubernetes.io/region': region,
    'topology.kubernetes.io/zone': zone,
    'topology.istio.io/subzone': subzone,
  };
}

/** Priorities without gaps; one alone prefers nothing. */
function compactPriorities(ranked: readonly Ranked[]): readonly LocalityGroup[] | undefined {
  const ranks = [...new Set(ranked.map(({ rank }) => rank))].toSorted((a, b) => a - b);
  if (ranks.length < 2) return undefined;
  return ranked
    .map(({ locality, members, rank }) => ({
      locality: renderPlace(locality),
      priority: ranks.indexOf(rank),
      weight: members.length,
      members,
    }))
    .toSorted((a, b) => a.priority - b.priority);
}
