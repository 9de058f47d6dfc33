import { ANNOTATION_PREFIX } from '../config/index.ts';
import type { Cluster, ExtendedPolicy, HashKey, LoadBalancerPolicy, ObjectRef } from '../model/index.ts';
import { hashOfCall } from './call-hash.ts';
import { meantEndpoint } from './meant-endpoint.ts';
import { type ExplainedShare, sharesOf } from './explain-shares.ts';
import type { ExplainedStep } from './explained-step.ts';
import { endpointsInUse, type LiveState, servedPart } from './live-state.ts';
import type { RouteRequest } from './route-request.ts';

/** By what rule the endpoints in use share the calls, whose rule that is, and what each gets. */
export function explainPolicy(
  whole: Cluster,
  request: RouteRequest,
  live: LiveState,
): { readonly step: ExplainedStep; readonly shares: readonly ExplainedShare[] } {
  const cluster = servedPart(whole, live);
  const { loadBalancer, extensions, warmup } = cluster;
  const policy = extensions?.policy ?? loadBalancer;
  const hash = hashIn(cluster, request);
  const because: string[] = [];
  const size = extensions?.subsetSize;
  const all = whole.endpoints.length;
  if (cluster !== whole) {
    because.push(`This proxy uses ${cluster.endpoints.length} of the ${all} endpoints, chosen once at random.`);
  } else if (size !== undefined && size < all) {
    const which =
      cluster.localities === undefined ? `${size} of the ${all} endpoints` : `at most ${size} endpoints of each place`;
    because.push(`Each proxy uses ${which}, chosen once at random: shares are those over many proxies.`);
  }
  if (warmup !== undefined) because.push(`Endpoints that are new get less for ${warmup.durationMs / 1000} s.`);
  if (cluster.endpoints.length > 0 && !endpointsInUse(cluster, live).includes(true)) {
    because.push('No endpoint is in use, so the call fails.');
  }
  return {
    step: {
      step: 'policy',
      ...whoseDecision(cluster),
      decision: `${policy.kind}: ${inWords(policy, hash, cluster)}.`,
      because,
    },
    shares: sharesOf(cluster, hash, live),
  };
}

function hashIn(cluster: Cluster, request: RouteRequest): number | undefined {
  const { loadBalancer, extensions } = cluster;
  if (extensions?.policy !== undefined) return undefined;
  return loadBalancer.kind === 'PASSTHROUGH' ? meantEndpoint(cluster, request) : hashOfCall(loadBalancer, request);
}

function whoseDecision({ annotations, policyAt }: Cluster): { object?: ObjectRef; field?: string } {
  const annotated = annotations?.find(({ setting }) => setting === 'policy');
  if (annotated !== undefined) {
    return { object: annotated.object, field: `metadata.annotations[${ANNOTATION_PREFIX}load-balancer]` };
  }
  return policyAt?.loadBalancer ?? {};
}

function inWords(
  policy: LoadBalancerPolicy | ExtendedPolicy,
  hash: number | undefined,
  { toServiceAddress }: Cluster,
): string {
  switch (policy.kind) {
    case 'RANDOM':
      return 'each endpoint is as likely as any other';
    case 'ROUND_ROBIN':
      return 'each endpoint in turn';
    case 'LEAST_REQUEST':
      return `the less busy of ${policy.choiceCount} drawn at random; equal shares while they are equally busy`;
    case 'RING_HASH':
    case 'MAGLEV':
      return hashInWords(policy.key, hash);
    case 'PASSTHROUGH':
      if (toServiceAddress === true)
        return "calls go to the Service's own address; those of one connection stay on one pod";
      return hash === undefined
        ? 'the call names no endpoint by address or hostname, so the less busy of 2 drawn at random gets it'
        : 'the call names this endpoint';
    case 'PEAK_EWMA':
      return 'of two drawn at random the one that is faster and less busy; equal shares while they are alike';
    case 'WEIGHTED_ROUND_ROBIN':
      return 'in turn, by the load that the pods report in trailers; equal shares until two of them have for a while';
    default:
      return policy satisfies never;
  }
}

function hashInWords(key: HashKey, hash: number | undefined): string {
  if (key.kind === 'source-address') {
    return 'calls from one address go to one endpoint; which one is not told here, as the address is not known';
  }
  const what = `${key.kind === 'query-parameter' ? 'query parameter' : key.kind} ${key.name}`;
  if (hash !== undefined) return `calls with the same ${what} go to the same endpoint`;
  return key.kind === 'cookie' && key.ttlMs !== undefined
    ? `the call has no ${what} yet, so it goes anywhere, and gets one that leads there again`
    : `the call has no ${what} to go by, so it goes anywhere`;
}
