import type { Mirror, Snapshot } from '../model/index.ts';
import { sharesOf } from './explain-shares.ts';
import { whyNotSecured } from './why-not-secured.ts';
import { whyUnknown } from './explained-step.ts';
import { type LiveState, servedPart } from './live-state.ts';

/** Which calls are copied where, or why none is. */
export function explainMirror(
  snapshot: Snapshot,
  { cluster, percent }: Mirror,
  live: LiveState,
): { readonly decision: string; readonly because: readonly string[] } {
  const why = percent > 0 ? whyNoCopy(snapshot, cluster, live) : undefined;
  if (why === undefined) return { decision: `${percent} % of the calls are copied to ${cluster}.`, because: [] };
  return { decision: `No call is copied to ${cluster}, though ${percent} % should be.`, because: [why] };
}

function whyNoCopy(snapshot: Snapshot, name: string, live: LiveState): string | undefined {
  const cluster = snapshot.clusters.get(name);
  if (cluster === undefined) return 'Nothing is known of it.';
  const unknown = whyUnknown(snapshot, cluster);
  if (unknown !== undefined) return unknown;
  const { tls } = cluster;
  const unsecured = tls === undefined || tls === 'DISABLE' ? undefined : whyNotSecured(tls);
  if (unsecured !== undefined) return `No connection to its endpoints can be secured: ${unsecured}.`;
  if (cluster.subset !== '' && cluster.destinationRule === undefined)
    return `Nothing defines subset "${cluster.subset}".`;
  return sharesOf(servedPart(cluster, live), undefined, live).length === 0
    ? 'It has no endpoint that takes calls.'
    : undefined;
}
