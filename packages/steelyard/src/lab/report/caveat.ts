import type { LoadBalancerPolicy } from '@steelyard/core/model';

/**
 * What a reader should know before blaming the balancing, as a sentence. LEAST_REQUEST goes by calls under way, so it
 * gives less to who is slower: right in a cluster, a nuisance where the pods compete for one machine.
 */
export function caveatOf(policies: readonly LoadBalancerPolicy[]): { readonly caveat?: string } {
  if (!policies.some(({ kind }) => kind === 'LEAST_REQUEST')) return {};
  return {
    caveat:
      'LEAST_REQUEST gives fewer calls to a pod that is slower for the moment: on a busy machine try --concurrency 1.',
  };
}
