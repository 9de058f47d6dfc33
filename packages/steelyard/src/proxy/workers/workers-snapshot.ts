import type { Cluster, ServiceEntry, Snapshot, SnapshotSource, VirtualHost } from '@steelyard/core/model';

interface MapDelta<T> {
  readonly changed: readonly (readonly [string, T])[];
  readonly removed: readonly string[];
}

/**
 * What one Snapshot has that the one before had not. Copying a Snapshot to another process would give every object a new
 * identity, and consumers tell by identity what has changed; so only what has changed is copied.
 */
export interface SnapshotDelta {
  readonly version: number;
  readonly clusterDomain: string;
  readonly services: MapDelta<ServiceEntry>;
  readonly virtualHosts: MapDelta<VirtualHost>;
  readonly clusters: MapDelta<Cluster>;
}

/** @param before absent: everything is new. */
export function diffSnapshots(before: Snapshot | undefined, after: Snapshot): SnapshotDelta {
  return {
    version: after.version,
    clusterDomain: after.clusterDomain,
    services: diffMaps(before?.services, after.services),
    virtualHosts: diffMaps(before?.virtualHosts, after.virtualHosts),
    clusters: diffMaps(before?.clusters, after.clusters),
  };
}

/** The Snapshot after the change, without what a data plane has no use for (nodes, diagnostics). */
function applySnapshotDelta(before: Snapshot | undefined, delta: SnapshotDelta): Snapshot {
  return {
    version: delta.version,
    clusterDomain: delta.clusterDomain,
    services: applyToMap(before?.services, delta.services),
    virtualHosts: applyToMap(before?.virtualHosts, delta.virtualHosts),
    clusters: applyToMap(before?.clusters, delta.clusters),
    diagnostics: [],
  };
}

function diffMaps<T>(before: ReadonlyMap<string, T> | undefined, after: ReadonlyMap<string, T>): MapDelta<T> {
  if (before === after) return { changed: [], removed: [] };
  return {
    changed: [...after].filter(([key, value]) => before?.get(key) !== value),
    removed: [...(before?.keys() ?? [])].filter((key) => !after.has(key)),
  };
}

function applyToMap<T>(before: ReadonlyMap<string, T> | undefined, delta: MapDelta<T>): ReadonlyMap<string, T> {
  const { changed, removed } = delta;
  if (before !== undefined && changed.length === 0 && removed.length === 0) return before;
  const after = new Map(before);
  for (const key of removed) after.delete(key);
  for (const [key, value] of changed) after.set(key, value);
  return after;
}

/** The Snapshots of a worker process: each is what a delta makes of the last. */
export class DeltaSource implements SnapshotSource {
  current: Snapshot;
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();

  constructor(first: SnapshotDelta) {
    this.current = applySnapshotDelta(undefined, first);
  }

  apply(delta: SnapshotDelta): void {
    this.current = applySnapshotDelta(this.current, delta);
    for (const listener of this.#listeners) listener(this.current);
  }

  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
