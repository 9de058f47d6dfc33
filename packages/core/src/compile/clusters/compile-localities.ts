import type { LocalityPolicy, TrafficPolicySettings } from '../../config/index.ts';
import type { Cluster, Endpoint, LocalityGroup, Service } from '../../model/index.ts';
import type { ClientIdentity, ClientLocality } from '../client-identity.ts';
import { coversPlace, groupByPlace, type Place, renderPlace } from './places.ts';
import { compactPriorities, rankByLabels, rankByNearness } from './rank-places.ts';

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
): Pick<Cluster, 'localities' | 'localitiesBy'> {
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
      ? rankByLabels(endpoints, places, labels, failover, identity)
      : client && rankByNearness(places, client, failover);
  return ranked && compactPriorities(ranked);
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
