import { type Cluster, isSameObject, renderEndpointAddress, type Snapshot } from '../model/index.ts';
import type { ExplainedShare } from './explain-shares.ts';
import { type ExplainedStep, serviceOfCluster } from './explained-step.ts';

/**
 * The places that calls go by, and what each gets; `undefined` where all are alike, unless that is because nobody said where
 * the callers are.
 *
 * @param shares of the cluster's calls
 */
export function explainLocality(
  snapshot: Snapshot,
  cluster: Cluster,
  shares: readonly ExplainedShare[],
): ExplainedStep | undefined {
  const { localities, zoneAware, endpoints } = cluster;
  if (localities === undefined) return explainUnknownPlace(snapshot, cluster);
  const shareOf = new Map(shares.map(({ endpoint, share }) => [endpoint, share]));
  const because = localities.map(({ locality, priority, weight, members }) => {
    const gets = members.reduce((sum, index) => {
      const one = endpoints[index];
      return sum + (one === undefined ? 0 : (shareOf.get(renderEndpointAddress(one.address, one.port)) ?? 0));
    }, 0);
    const count = members.length === 1 ? '1 endpoint' : `${members.length} endpoints`;
    return `${placeName(locality)}: priority ${priority}, weight ${weight}, ${count}; it gets ${renderShare(gets)} of the calls.`;
  });
  const groups = because.length === 1 ? '1 group' : `${because.length} groups`;
  if (zoneAware !== undefined) {
    because.push(
      `Of priority 0 they stay in ${placeName(zoneAware.locality)} as far as its endpoints suffice, as long as ${zoneAware.minClusterSize} are healthy.`,
    );
  }
  const decision = `Calls go by place, in ${groups}.`;
  return { step: 'locality', ...whoAsksForPlaces(snapshot, cluster), decision, because };
}

/** `90 %`, `33.3 %` */
export function renderShare(share: number): string {
  return `${(share * 100).toFixed(1).replace(/\.0$/, '')} %`;
}

function placeName(locality: string): string {
  return locality === '//' ? 'no place known' : locality;
}

function whoAsksForPlaces(snapshot: Snapshot, cluster: Cluster): Pick<ExplainedStep, 'object' | 'field'> {
  const { localitiesBy: by, policyAt } = cluster;
  if (by === 'trafficDistribution') {
    return { object: serviceOfCluster(snapshot, cluster).object, field: 'spec.trafficDistribution' };
  }
  if (by === 'outlierDetection') return policyAt?.outlierDetection ?? {};
  const place = policyAt?.loadBalancer;
  return place === undefined ? {} : { ...place, field: `${place.field}.${by ?? 'localityLbSetting'}` };
}

/** What goes by the place of the callers, but was not told it. */
function explainUnknownPlace(snapshot: Snapshot, cluster: Cluster): ExplainedStep | undefined {
  const { loadBalancer, outlierDetection } = cluster.policyAt ?? {};
  const places = [loadBalancer, outlierDetection, { object: serviceOfCluster(snapshot, cluster).object, field: '' }];
  const findings = snapshot.diagnostics.filter(({ code, object, path = '' }) => {
    if (code !== 'callers-unknown' || object === undefined) return false;
    return places.some((at) => at !== undefined && isSameObject(at.object, object) && path.startsWith(at.field));
  });
  const [first] = findings;
  if (first === undefined) return undefined;
  const { object, path } = first;
  return {
    step: 'locality',
    ...(object !== undefined && { object }),
    ...(path !== undefined && { field: path }),
    decision: 'Where the callers are is not known, so all endpoints are alike near.',
    because: findings.map(({ message }) => message),
  };
}
