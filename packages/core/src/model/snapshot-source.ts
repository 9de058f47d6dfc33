import type { Snapshot } from './snapshot.ts';

/** Where Snapshots come from: a manifests folder, an API server, a test. The last good one is served for ever. */
export interface SnapshotSource {
  /** The newest Snapshot. */
  readonly current: Snapshot;
  /**
   * Calls `listener` with each later Snapshot, never synchronously from within `subscribe`.
   * Returns what ends the subscription; the listener is not called afterwards.
   */
  subscribe(listener: (snapshot: Snapshot) => void): () => void;
}
