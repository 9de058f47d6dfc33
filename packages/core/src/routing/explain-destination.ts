import {
  type Cluster,
  type Endpoint,
  renderEndpointAddress,
  type Route,
  type Service,
  type Snapshot,
  type WeightedDestination,
} from '../model/index.ts';
import { explainDestinationChanges } from './explain-headers.ts';
import { explainLocality, renderShare } from './explain-locality.ts';
import { explainPolicy } from './explain-policy.ts';
import { explainRules } from './explain-rules.ts';
import type { ExplainedShare } from './explain-shares.ts';
import { explainTls } from './explain-tls.ts';
import { isOutOfReach } from './why-not-secured.ts';
import { explainWatch } from './explain-watch.ts';
import { type ExplainedStep, ofRoute, serviceOfCluster, whyUnknown } from './explained-step.ts';
import { endpointsInUse, type LiveState, servedPart } from './live-state.ts';
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
  const part = route.destinations.length === 1 ? 'All calls go' : `${renderShare(weight)} of the calls go`;
  const because =
    route.destinations.length === 1 ? [] : [`Its weight is ${destination.weight} of ${route.totalWeight}.`];
  if (cluster === undefined) because.push('Nothing is known of it, so they fail.');
  const steps: ExplainedStep[] = [
    {
      step: 'destination',
      ...(object !== undefined && { object }),
      ...(field !== undefined && { field: `${field}.route` }),
      decision: `${part} to ${destination.cluster}.`,
      because,
    },
    ...explainDestinationChanges(route, destination),
  ];
  if (cluster === undefined) return { steps, shares: [] };
  steps.push(explainRules(snapshot, cluster), explainEndpoints(snapshot, cluster, live));
  // Of what nothing defines there is no more to say.
  if (cluster.subset !== '' && cluster.destinationRule === undefined) return { steps, shares: [] };
  const policy = explainPolicy(cluster, request, live);
  const locality = explainLocality(snapshot, cluster, policy.shares);
  if (locality !== undefined) steps.push(locality);
  const watch = explainWatch(cluster);
  if (watch !== undefined) steps.push(watch);
  const tls = explainTls(cluster);
  if (tls !== undefined) steps.push(tls);
  steps.push(policy.step);
  const shares = isOutOfReach(cluster) ? [] : policy.shares;
  return { steps, shares: shares.map((share) => ({ ...share, share: share.share * weight })) };
}

function explainEndpoints(snapshot: Snapshot, cluster: Cluster, live: LiveState): ExplainedStep {
  const { object, entry } = serviceOfCluster(snapshot, cluster);
  const known = entry?.ports.find(({ port }) => port.port === cluster.port)?.endpoints ?? [];
  const [service] = cluster.endpoints;
  if (cluster.toServiceAddress === true && service !== undefined) {
    return {
      step: 'endpoints',
      object,
      field: 'spec.clusterIP',
      decision: `Calls go to ${keyOf(service)}, the address of the Service: there the kernel's rules choose a pod for each connection.`,
      because: known.map((endpoint) =>
        endpoint.conditions.ready
          ? `${keyOf(endpoint)} is ready: the kernel may choose it.`
          : `${keyOf(endpoint)} is out: ${whyOut(endpoint, entry?.service, cluster)}.`,
      ),
    };
  }
  const served = servedPart(cluster, live);
  const chosen = new Map(served.endpoints.map((endpoint, index) => [keyOf(endpoint), index]));
  const inUse = endpointsInUse(served, live);
  const placed = served.localities && new Set(served.localities.flatMap(({ members }) => members));
  const because = known.map((endpoint) => {
    const index = chosen.get(keyOf(endpoint));
    if (index === undefined) {
      const isOther = live(cluster.name, keyOf(endpoint))?.leftOut === true;
      const why = isOther ? 'this proxy uses others' : whyOut(endpoint, entry?.service, cluster);
      return `${keyOf(endpoint)} is out: ${why}.`;
    }
    if (placed?.has(index) === false) return `${keyOf(endpoint)} is out: distribute gives its place no calls.`;
    const state = live(cluster.name, keyOf(endpoint));
    const now = state === undefined ? '' : `; ${state.words}`;
    if (inUse[index] === true) return `${keyOf(endpoint)} is in: ${whyIn(endpoint)}${now}.`;
    return `${keyOf(endpoint)} is out: ${state?.ejected === true ? 'it is ejected' : 'health checks find it sick'}${now}.`;
  });
  const unknown = whyUnknown(snapshot, cluster);
  if (unknown !== undefined) because.push(unknown);
  const taking = inUse.filter((is, index) => is && placed?.has(index) !== false).length;
  const decision = `${taking} of ${known.length} endpoints take calls.`;
  return { step: 'endpoints', ...(entry !== undefined && { object, field: 'spec.ports' }), decision, because };
}

function whyIn({ conditions }: Endpoint): string {
  return conditions.ready ? 'it is ready' : 'it still serves while it terminates, and none is ready';
}

function whyOut(endpoint: Endpoint, service: Service | undefined, { subset, destinationRule }: Cluster): string {
  const { conditions, labels, nodeName } = endpoint;
  if (subset !== '' && destinationRule === undefined) return `nothing defines subset "${subset}"`;
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
