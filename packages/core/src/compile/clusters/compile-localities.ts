import type { LocalityPolicy, TrafficPolicySettings, ZoneAwarePolicy } from '../../config/index.ts';
import type { Cluster, Endpoint, LocalityGroup, Service } from '../../model/index.ts';
import type { ClientIdentity, ClientLocality } from '../client-identity.ts';
import { coversPlace, groupByPlace, type Place, renderPlace } from './places.ts';
import { compactPriorities, gradeByNearness, gradeByRegion, rankByLabels, rankByNearness } from './rank-places.ts';

/**
 * Where calls go first, as pilot/pkg/networking/core/loadbalancer decides it: by weight when `distribute` says so, else
 * by nearness, but by nearness only when outlier detection watches the endpoints, without which nobody would notice that
 * a near one is broken, or when the Service's `trafficDistribution` asks for it. `undefined`: all endpoints alike.
 */
export function compileLocalities(
  endpoints: readonly Endpoint[],
  settings: TrafficPolicySettings,
  service: Pick<Service, 'trafficDistribution'>,
  identity: ClientIdentity,
): Pick<Cluster, 'localities' | 'localitiesBy' | 'zoneAware'> {
  if (settings.zoneAware !== undefined) return zoneAwareGroups(endpoints, settings, settings.zoneAware, identity);
  const { policy, by } = effectiveLocality(settings, service);
  const localities = groupsOf(
    endpoints,
    policy,
    settings.outlierDetection !== undefined || by === 'trafficDistribution',
    identity,
  );
  return localities === undefined ? {} : { localities, localitiesBy: by };
}

function groupsOf(
  endpoints: readonly Endpoint[],
  policy: LocalityPolicy | undefined,
  isWatched: boolean,
  identity: ClientIdentity,
): readonly LocalityGroup[] | undefined {
  if (endpoints.length === 0) return undefined;
  if (policy?.enabled === false) return undefined;
  const { clientLocality: client } = identity;
  const places = groupByPlace(endpoints, client?.region ?? '');
  if (policy !== undefined && policy.distribute.length > 0) {
    return distribute(places, policy.distribute, client ?? NOWHERE);
  }
  if (!isWatched) return undefined;
  const labels = policy?.failoverPriority ?? [];
  const failover = policy?.failover ?? [];
  const ranked =
    labels.length > 0
      ? rankByLabels(endpoints, places, labels, gradeByNearness(client, failover), identity)
      : client && rankByNearness(places, client, failover);
  return ranked && compactPriorities(ranked);
}

/**
 * The callers' region comes first, and within it the calls go by zone as Envoy decides from moment to moment; other regions
 * take over when there is too little left of it (`ApplyZoneAwareLoadBalancer`). That needs no outlier detection.
 */
function zoneAwareGroups(
  endpoints: readonly Endpoint[],
  { loadBalancer }: TrafficPolicySettings,
  { enabled, failover, failoverPriority, minClusterSize }: ZoneAwarePolicy,
  identity: ClientIdentity,
): Pick<Cluster, 'localities' | 'localitiesBy' | 'zoneAware'> {
  const { clientLocality: client } = identity;
  if (!enabled || endpoints.length === 0) return {};
  const places = groupByPlace(endpoints, client?.region ?? '');
  const gradeOf = gradeByRegion(client, failover);
  const byRegion = places.map((place) => ({ ...place, rank: gradeOf(place.locality) }));
  const ranked =
    (failoverPriority.length > 0 ? rankByLabels(endpoints, places, failoverPriority, gradeOf, identity) : undefined) ??
    byRegion;
  // A key must find its endpoint again: Envoy's hash policies know no zones.
  const isHashed = loadBalancer?.kind === 'RING_HASH' || loadBalancer?.kind === 'MAGLEV';
  const goesByZone = client !== undefined && !isHashed && places.length > 1;
  const localities = compactPriorities(ranked, goesByZone ? 1 : 2);
  return {
    ...(localities !== undefined && { localities, localitiesBy: 'zoneAwareLbSetting' }),
    ...(localities !== undefined && goesByZone && { zoneAware: { locality: renderPlace(client), minClusterSize } }),
  };
}

const NOWHERE: ClientLocality = { region: '', zone: '', subzone: '' };

interface EffectiveLocality {
  readonly policy?: LocalityPolicy;
  readonly by: NonNullable<Cluster['localitiesBy']>;
}

const SAME_ZONE = ['topology.istio.io/network', 'topology.kubernetes.io/region', 'topology.kubernetes.io/zone'];
const SAME_NODE = [...SAME_ZONE, 'topology.istio.io/subzone', 'kubernetes.io/hostname'];

/** The DestinationRule's setting, else the Service's, else the mesh's, which is on and says nothing (`GetEffectiveLbSetting`). */
function effectiveLocality(
  { locality }: TrafficPolicySettings,
  { trafficDistribution }: Pick<Service, 'trafficDistribution'>,
): EffectiveLocality {
  if (locality !== undefined) return { policy: locality, by: 'localityLbSetting' };
  if (trafficDistribution === undefined) return { by: 'outlierDetection' };
  const failoverPriority = trafficDistribution === 'PreferSameNode' ? SAME_NODE : SAME_ZONE;
  return { policy: { enabled: true, distribute: [], failover: [], failoverPriority }, by: 'trafficDistribution' };
}

function distribute(
  places: readonly Place[],
  rules: LocalityPolicy['distribute'],
  client: ClientLocality,
): readonly LocalityGroup[] | undefined {
  const rule = rules.find(({ from }) => coversPlace(from, client));
  if (rule === undefined) return undefined;
  const groups: LocalityGroup[] = [];
  for (const [pattern, weight] of Object.entries(rule.to)) {
    const covered = places.filter(({ locality }) => coversPlace(pattern, locality));
    const total = covered.reduce((sum, { members }) => sum + members.length, 0);
    for (const { locality, members } of covered) {
      const share = (weight * members.length) / total;
      groups.push({ locality: renderPlace(locality), priority: 0, weight: share, members });
    }
  }
  return groups;
}
