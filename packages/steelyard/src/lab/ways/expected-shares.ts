import type { Endpoint, Snapshot, VirtualHost } from '@steelyard/core/model';
import { podKey } from '../lab-target.ts';

/** Share of each pod by its `ip:port`; they sum to 1. */
export type Shares = ReadonlyMap<string, number>;

export function equalShares(pods: readonly Endpoint[]): Shares {
  return new Map(pods.map((pod) => [podKey(pod), 1 / pods.length]));
}

/**
 * What a virtual host promises each pod: its cluster's part of the route's weight, divided equally. RANDOM and
 * ROUND_ROBIN do so by themselves; LEAST_REQUEST does among pods that are equally fast, as the lab's are.
 * Weight that leads to a cluster without endpoints is nobody's share: those calls fail.
 */
export function routedShares(snapshot: Snapshot, virtualHost: VirtualHost): Shares {
  const shares = new Map<string, number>();
  // The lab's calls match the first route: routes have no conditions yet.
  const route = virtualHost.routes[0];
  for (const { cluster, weight } of route?.destinations ?? []) {
    const endpoints = snapshot.clusters.get(cluster)?.endpoints ?? [];
    for (const endpoint of endpoints) {
      const share = weight / endpoints.length;
      shares.set(podKey(endpoint), (shares.get(podKey(endpoint)) ?? 0) + share);
    }
  }
  const total = [...shares.values()].reduce((sum, share) => sum + share, 0);
  return new Map([...shares].map(([key, share]) => [key, share / total]));
}
