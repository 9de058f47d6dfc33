import { ANNOTATION_PREFIX } from '../config/index.ts';
import type { Cluster, ExtendedPolicy, LoadBalancerPolicy, ObjectRef } from '../model/index.ts';
import { hashOfCall } from './call-hash.ts';
import { type ExplainedShare, sharesOf } from './explain-shares.ts';
import type { ExplainedStep } from './explained-step.ts';
import { endpointsInUse, type LiveState } from './live-state.ts';
import type { RouteRequest } from './route-request.ts';

/** By what rule the endpoints in use share the calls, whose rule that is, and what each gets. */
export function explainPolicy(
  cluster: Cluster,
  request: RouteRequest,
  live: LiveState,
): { readonly step: ExplainedStep; readonly shares: readonly ExplainedShare[] } {
  const { loadBalancer, extensions, warmup } = cluster;
  const policy = extensions?.policy ?? loadBalancer;
  const hash = extensions?.policy === undefined ? hashOfCall(loadBalancer, request) : undefined;
  const because: string[] = [];
  const size = extensions?.subsetSize;
  if (size !== undefined && size < cluster.endpoints.length) {
    const all = cluster.endpoints.length;
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
      decision: `${policy.kind}: ${inWords(policy, hash)}.`,
      because,
    },
    shares: sharesOf(cluster, hash, live),
  };
}

function whoseDecision({ annotations, destinationRule }: Cluster): { object?: ObjectRef; field?: string } {
  const annotated = annotations?.find(({ setting }) => setting === 'policy');
  if (annotated !== undefined) {
    return { object: annotated.object, field: `metadata.annotations[${ANNOTATION_PREFIX}load-balancer]` };
  }
  if (destinationRule === undefined) return {};
  return { object: destinationRule, field: 'spec.trafficPolicy.loadBalancer' };
}

function inWords(policy: LoadBalancerPolicy | ExtendedPolicy, hash: number | undefined): string {
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
    case 'PEAK_EWMA':
      return 'of two drawn at random the one that is faster and less busy; equal shares while they are alike';
    case 'WEIGHTED_ROUND_ROBIN':
      return 'in turn, by the load that the pods report in trailers; equal shares until two of them have';
    default:
      return policy satisfies never;
  }
}
