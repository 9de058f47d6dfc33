import type { LocalityGroup } from '@steelyard/core/model';
import type { ClusterMember } from '../upstream/cluster-member.ts';
import type { ServedCluster } from '../upstream/cluster-table.ts';

/** Draws of the policy that may name endpoints of no use before one is looked for without it. */
const DRAWS = 16;

/** Istio's `previous_priorities` retry predicate has this update frequency. */
const ATTEMPTS_PER_PRIORITY = 2;

/** Finds endpoints for calls whose first choice is of no use. */
export class EndpointChooser {
  /** Which endpoint comes first when the policy names none that is of use. */
  #turn = 0;

  /** The endpoint for a call that comes in. `undefined` when there is none at all. */
  first(to: ServedCluster, hash: number | undefined): ClusterMember | undefined {
    const endpoint = to.picker.pick(hash);
    if (endpoint === undefined || endpoint.reachable) return endpoint;
    endpoint.reconnect();
    if (to.pins && hash !== undefined) return endpoint;
    return this.#any(to, [endpoint.key]) ?? endpoint;
  }

  /** An endpoint that is of use and not among those to avoid: the one that the hash names, if there is one; else any. */
  other(to: ServedCluster, hash: number | undefined, avoid: readonly string[]): ClusterMember | undefined {
    const named = hash === undefined ? undefined : to.picker.pick(hash);
    if (named?.reachable === true && !avoid.includes(named.key)) return named;
    return to.pins && named !== undefined ? undefined : this.#any(to, avoid);
  }

  /**
   * An endpoint for another attempt. None of those that had one while there is another, and never the last one twice in a
   * row while there is another.
   *
   * @param tried keys of the endpoints that had an attempt, in order
   * @param remote go on to other localities
   */
  next(
    to: ServedCluster,
    hash: number | undefined,
    tried: readonly string[],
    ignorePrevious: boolean,
    remote: boolean,
  ): ClusterMember | undefined {
    const last = tried.slice(-1);
    const avoid = ignorePrevious ? tried : last;
    const elsewhere = remote && tried.length >= ATTEMPTS_PER_PRIORITY ? keysNear(to, tried) : [];
    return (
      (elsewhere.length > 0 ? this.other(to, hash, elsewhere) : undefined) ??
      this.other(to, hash, avoid) ??
      this.other(to, hash, last) ??
      this.other(to, hash, [])
    );
  }

  /** By the policy if it names one in a few draws, else the next in turn. */
  #any({ picker, endpoints }: ServedCluster, avoid: readonly string[]): ClusterMember | undefined {
    for (let draw = 0; draw < DRAWS; draw++) {
      const endpoint = picker.pick();
      if (endpoint === undefined) return undefined;
      if (endpoint.reachable && !avoid.includes(endpoint.key)) return endpoint;
      endpoint.reconnect();
    }
    const first = this.#turn++;
    for (let i = 0; i < endpoints.length; i++) {
      const endpoint = endpoints[(first + i) % endpoints.length];
      if (endpoint !== undefined && endpoint.reachable && !avoid.includes(endpoint.key)) return endpoint;
    }
    return undefined;
  }
}

/** The endpoints of all priorities that one of these is in. */
function keysNear({ localities, members }: ServedCluster, tried: readonly string[]): readonly string[] {
  const keysOf = (group: LocalityGroup): string[] => group.members.flatMap((index) => members[index]?.key ?? []);
  const near = new Set(
    localities.filter((group) => keysOf(group).some((key) => tried.includes(key))).map(({ priority }) => priority),
  );
  return localities.filter(({ priority }) => near.has(priority)).flatMap(keysOf);
}
