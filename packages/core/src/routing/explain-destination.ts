import {
  type Cluster,
  type Endpoint,
  refOf,
  renderEndpointAddress,
  type Route,
  type Service,
  type Snapshot,
  type WeightedDestination,
} from '../model/index.ts';
import { explainPolicy } from './explain-policy.ts';
import type { ExplainedShare } from './explain-shares.ts';
import { explainWatch } from './explain-watch.ts';
import { concerns, type ExplainedStep, ofRoute } from './explained-step.ts';
import { endpointsInUse, type LiveState } from './live-state.ts';
import type { RouteRequest } from './route-request.ts';

interface ExplainedDestination {
  readonly steps: readonly ExplainedStep[];
  readonly shares: readonly ExplainedShare[];
}

export function explainDestination(
  snapshot: Snapshot,
  route: Route,
  destination: WeightedDestination,
  request: RouteRequest,
  live: LiveState,
): ExplainedDestination {
  const { object, field } = ofRoute(route);
  const weight = destination.weight / route.totalWeight;
  const cluster = snapshot.clusters.get(destination.cluster);
  const part = route.destinations.length === 1 ? 'All calls go' : `${percent(weight)} of the calls go`;
  const steps: ExplainedStep[] = [
    {
      step: 'destination',
      ...(object !== undefined && { object }),
      ...(field !== undefined && { field: `${field}.route` }),
      decision: `${part} to ${destination.cluster}.`,
      because: route.destinations.length === 1 ? [] : [`Its weight is ${destination.weight} of ${route.totalWeight}.`],
    },
  ];
  if (cluster === undefined) return { steps, shares: [] };
  steps.push(explainRule(snapshot, cluster), explainEndpoints(snapshot, cluster, live));
  const { localities } = cluster;
  if (localities !== undefined) {
    const groups = localities.map(({ locality, priority, weight: share, members }) => {
      return `${locality}: priority ${priority}, weight ${share}, ${members.length} endpoints`;
    });
    const decision = `Calls go by place, in ${groups.length} groups.`;
    steps.push({ step: 'locality', ...whoAsksForPlaces(snapshot, cluster), decision, because: groups });
  }
  const watch = explainWatch(cluster);
  if (watch !== undefined) steps.push(watch);
  const policy = explainPolicy(cluster, request, live);
  steps.push(policy.step);
  return { steps, shares: policy.shares.map((share) => ({ ...share, share: share.share * weight })) };
}

function whoAsksForPlaces(snapshot: Snapshot, cluster: Cluster): Pick<ExplainedStep, 'object' | 'field'> {
  const { localitiesBy: by, destinationRule } = cluster;
  if (by === 'trafficDistribution') {
    const [name = '', namespace = ''] = cluster.host.split('.');
    const entry = snapshot.services.get(`${namespace}/${name}`);
    return entry === undefined ? {} : { object: refOf(entry.service), field: 'spec.trafficDistribution' };
  }
  if (destinationRule === undefined) return {};
  const field = by === 'outlierDetection' ? by : 'loadBalancer.localityLbSetting';
  return { object: destinationRule, field: `spec.trafficPolicy.${field}` };
}

function explainRule(snapshot: Snapshot, cluster: Cluster): ExplainedStep {
  const because = snapshot.diagnostics
    .filter((one) => one.object?.kind === 'DestinationRule' && concerns(one, cluster.host))
    .map(({ object, message }) => `${object?.namespace ?? ''}/${object?.name ?? ''}: ${message}`);
  const { destinationRule: object, subset } = cluster;
  if (object === undefined) {
    return { step: 'destination-rule', decision: `No DestinationRule is for ${cluster.host}: defaults hold.`, because };
  }
  const which = subset === '' ? '' : `, subset "${subset}"`;
  const decision = `DestinationRule ${object.namespace}/${object.name} is for ${cluster.host}${which}.`;
  return { step: 'destination-rule', object, field: subset === '' ? 'spec.host' : 'spec.subsets', decision, because };
}

function explainEndpoints(snapshot: Snapshot, cluster: Cluster, live: LiveState): ExplainedStep {
  const [name = '', namespace = ''] = cluster.host.split('.');
  const entry = snapshot.services.get(`${namespace}/${name}`);
  const known = entry?.ports.find(({ port }) => port.port === cluster.port)?.endpoints ?? [];
  const chosen = new Map(cluster.endpoints.map((endpoint, index) => [keyOf(endpoint), index]));
  const inUse = endpointsInUse(cluster, live);
  const because = known.map((endpoint) => {
    const index = chosen.get(keyOf(endpoint));
    if (index === undefined) return `${keyOf(endpoint)} is out: ${whyOut(endpoint, entry?.service, cluster)}.`;
    const state = live(cluster.name, keyOf(endpoint));
    const now = state === undefined ? '' : `; ${state.words}`;
    if (inUse[index] === true) return `${keyOf(endpoint)} is in: ${whyIn(endpoint)}${now}.`;
    return `${keyOf(endpoint)} is out: ${state?.ejected === true ? 'it is ejected' : 'health checks find it sick'}${now}.`;
  });
  const object = { kind: 'Service', namespace, name };
  const taking = inUse.filter(Boolean).length;
  const decision = `${taking} of ${known.length} endpoints take calls.`;
  return { step: 'endpoints', ...(entry !== undefined && { object, field: 'spec.ports' }), decision, because };
}

function whyIn({ conditions }: Endpoint): string {
  return conditions.ready ? 'it is ready' : 'it still serves while it terminates, and none is ready';
}

function whyOut({ conditions, labels, nodeName }: Endpoint, service: Service | undefined, { subset }: Cluster): string {
  if (!conditions.ready) return conditions.terminating ? 'it terminates' : 'it is not ready';
  if (service?.internalTrafficPolicy === 'Local') {
    return `it is on node ${nodeName ?? 'unknown'}, and internalTrafficPolicy is Local`;
  }
  const known = labels === undefined ? 'its Pod is not known' : JSON.stringify(labels);
  return `its labels are not those of subset "${subset}" (${known})`;
}

function keyOf({ address, port }: Endpoint): string {
  return renderEndpointAddress(address, port);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1).replace(/\.0$/, '')} %`;
}
