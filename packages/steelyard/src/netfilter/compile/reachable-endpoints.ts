import type { Endpoint } from '@steelyard/core/model';

export interface ReachableOptions {
  /** Some path of the Service may go to endpoints of every node. */
  readonly usesCluster: boolean;
  /** Some path must stay on this node. */
  readonly usesLocal: boolean;
  readonly nodeName: string | undefined;
  readonly zone: string | undefined;
}

export interface ReachableEndpoints {
  readonly cluster: readonly Endpoint[];
  readonly local: readonly Endpoint[];
  readonly reachable: readonly Endpoint[];
  readonly hasEndpoints: boolean;
}

/**
 * Which endpoints of one family connections may go to, separately for the two traffic policies: the ready ones; when
 * there is none, those that still serve while they terminate (KEP-1669). Hints narrow the Cluster policy only.
 */
export function reachableEndpoints(endpoints: readonly Endpoint[], options: ReachableOptions): ReachableEndpoints {
  const { usesCluster, usesLocal, nodeName } = options;
  const ready = endpoints.filter(({ conditions }) => conditions.ready);
  const leaving = endpoints.filter(
    ({ conditions }) => !conditions.ready && conditions.serving && conditions.terminating,
  );
  let cluster: readonly Endpoint[] = [];
  if (usesCluster) cluster = ready.length > 0 ? nearestOf(ready, options) : leaving;
  if (!usesLocal) return { cluster, local: [], reachable: cluster, hasEndpoints: cluster.length > 0 };

  const isHere = (endpoint: Endpoint): boolean => nodeName !== undefined && endpoint.nodeName === nodeName;
  const readyHere = ready.filter(isHere);
  const local = readyHere.length > 0 ? readyHere : leaving.filter(isHere);
  const hasEndpoints = cluster.length > 0 || ready.length > 0 || leaving.length > 0;
  return { cluster, local, reachable: [...new Set([...cluster, ...local])], hasEndpoints };
}

/**
 * Only if every ready endpoint has hints of a sort, and one of them is for us: same node before same zone (KEP-3015,
 * KEP-2433). `spec.trafficDistribution` is never read here; the slice controller turns it into hints.
 */
function nearestOf(ready: readonly Endpoint[], { nodeName, zone }: ReachableOptions): readonly Endpoint[] {
  const sorts: readonly [(endpoint: Endpoint) => readonly string[] | undefined, string | undefined][] = [
    [(endpoint): readonly string[] | undefined => endpoint.nodeHints, nodeName],
    [(endpoint): readonly string[] | undefined => endpoint.zoneHints, zone],
  ];
  for (const [hintsOf, ours] of sorts) {
    if (ours === undefined || !ready.every((endpoint) => (hintsOf(endpoint)?.length ?? 0) > 0)) continue;
    const near = ready.filter((endpoint) => hintsOf(endpoint)?.includes(ours) === true);
    if (near.length > 0) return near;
  }
  return ready;
}
