import { createPicker } from '../balance/index.ts';
import { HONOURED } from '../config/index.ts';
import {
  type Cluster,
  type Endpoint,
  type LoadBalancerPolicy,
  renderEndpointAddress,
  type Route,
  type Snapshot,
  type WeightedDestination,
} from '../model/index.ts';
import { hashOfCall } from './call-hash.ts';
import { concerns, type ExplainedStep, ofRoute } from './explained-step.ts';
import type { RouteRequest } from './route-request.ts';

/** The share of such calls that an endpoint gets. */
export interface ExplainedShare {
  readonly cluster: string;
  /** `ip:port` */
  readonly endpoint: string;
  readonly pod?: string;
  /** 0–1 of all calls like this one. */
  readonly share: number;
  /** Not so where the policy goes by how busy the endpoints are. */
  readonly exact: boolean;
}

interface ExplainedDestination {
  readonly steps: readonly ExplainedStep[];
  readonly shares: readonly ExplainedShare[];
}

export function explainDestination(
  snapshot: Snapshot,
  route: Route,
  destination: WeightedDestination,
  request: RouteRequest,
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
  steps.push(explainRule(snapshot, cluster), explainEndpoints(snapshot, cluster));
  const { localities } = cluster;
  if (localities !== undefined) {
    const groups = localities.map(({ locality, priority, weight: share, members }) => {
      return `${locality}: priority ${priority}, weight ${share}, ${members.length} endpoints`;
    });
    const unhonoured = HONOURED.locality ? [] : ['The proxy does not honour this yet.'];
    steps.push({
      step: 'locality',
      decision: `Calls go by place, in ${groups.length} groups.`,
      because: [...groups, ...unhonoured],
    });
  }
  const policy = explainPolicy(cluster, request);
  steps.push(policy.step);
  return { steps, shares: policy.shares.map((share) => ({ ...share, share: share.share * weight })) };
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

function explainEndpoints(snapshot: Snapshot, cluster: Cluster): ExplainedStep {
  const chosen = new Set(cluster.endpoints);
  const [name = '', namespace = ''] = cluster.host.split('.');
  const entry = snapshot.services.get(`${namespace}/${name}`);
  const known = entry?.ports.find(({ port }) => port.port === cluster.port)?.endpoints ?? [];
  const because = known.map((endpoint) => `${keyOf(endpoint)} is ${inOrOut(endpoint, chosen.has(endpoint), cluster)}`);
  const object = { kind: 'Service', namespace, name };
  const decision = `${cluster.endpoints.length} of ${known.length} endpoints take calls.`;
  return { step: 'endpoints', ...(entry !== undefined && { object, field: 'spec.ports' }), decision, because };
}

function inOrOut({ conditions, labels }: Endpoint, isIn: boolean, { subset }: Cluster): string {
  if (isIn)
    return conditions.ready ? 'in: it is ready.' : 'in: it still serves while it terminates, and none is ready.';
  if (conditions.ready) {
    const known = labels === undefined ? 'its Pod is not known' : JSON.stringify(labels);
    return `out: its labels are not those of subset "${subset}" (${known}).`;
  }
  return conditions.terminating ? 'out: it terminates.' : 'out: it is not ready.';
}

function keyOf({ address, port }: Endpoint): string {
  return renderEndpointAddress(address, port);
}

function explainPolicy(
  cluster: Cluster,
  request: RouteRequest,
): { readonly step: ExplainedStep; readonly shares: readonly ExplainedShare[] } {
  const { loadBalancer: policy, destinationRule: object } = cluster;
  const isHash = policy.kind === 'RING_HASH' || policy.kind === 'MAGLEV';
  const hash = hashOfCall(policy, request);
  const shares = hash === undefined ? evenShares(cluster) : hashedShare(cluster, hash);
  return {
    step: {
      step: 'policy',
      ...(object !== undefined && { object, field: 'spec.trafficPolicy.loadBalancer' }),
      decision: `${policy.kind}: ${inWords(policy, hash)}.`,
      because: isHash && !HONOURED.consistentHash ? ['The proxy does not honour this yet.'] : [],
    },
    shares,
  };
}

function inWords(policy: LoadBalancerPolicy, hash: number | undefined): string {
  switch (policy.kind) {
    case 'RANDOM':
      return 'each endpoint is as likely as any other';
    case 'ROUND_ROBIN':
      return 'each endpoint in turn';
    case 'LEAST_REQUEST':
      return `the less busy of ${policy.choiceCount} drawn at random; equal shares while they are equally busy`;
    case 'RING_HASH':
    case 'MAGLEV':
      return hash === undefined
        ? `the call has no ${policy.key.kind} to go by, so it goes anywhere`
        : `calls with this ${policy.key.kind} have one endpoint`;
    default:
      return policy satisfies never;
  }
}

/** Shares of the first priority's places, or of all endpoints alike. */
function evenShares(cluster: Cluster): readonly ExplainedShare[] {
  const { endpoints, localities } = cluster;
  const all = [{ weight: 1, members: endpoints.map((_, index) => index) }];
  const groups = localities?.filter(({ priority }) => priority === 0) ?? all;
  const total = groups.reduce((sum, { weight }) => sum + weight, 0);
  const exact = cluster.loadBalancer.kind !== 'LEAST_REQUEST';
  return groups.flatMap(({ weight, members }) =>
    members.flatMap((index) => {
      const endpoint = endpoints[index];
      return endpoint === undefined ? [] : [shareOf(cluster, endpoint, weight / total / members.length, exact)];
    }),
  );
}

function hashedShare(cluster: Cluster, hash: number): readonly ExplainedShare[] {
  const keyed = cluster.endpoints.map((endpoint) => ({ endpoint, key: keyOf(endpoint), activeRequests: 0 }));
  const picked = createPicker(cluster.loadBalancer, keyed, () => 0).pick(hash);
  return picked === undefined ? [] : [shareOf(cluster, picked.endpoint, 1, true)];
}

function shareOf(cluster: Cluster, endpoint: Endpoint, share: number, exact: boolean): ExplainedShare {
  const { podName } = endpoint;
  return {
    cluster: cluster.name,
    endpoint: keyOf(endpoint),
    ...(podName !== undefined && { pod: podName }),
    share,
    exact,
  };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1).replace(/\.0$/, '')} %`;
}
