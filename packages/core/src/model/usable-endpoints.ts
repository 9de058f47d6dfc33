import type { Endpoint } from './service.ts';

/**
 * The endpoints that new calls may land on: the ready ones; when there is none, those that still serve while they
 * terminate (KEP-1669, as kube-proxy does it).
 */
export function usableEndpoints(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const ready = endpoints.filter((endpoint) => endpoint.conditions.ready);
  if (ready.length > 0) return ready;
  return endpoints.filter(({ conditions }) => conditions.serving && conditions.terminating);
}
