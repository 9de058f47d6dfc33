import type { Snapshot, SnapshotSource } from '@steelyard/core/model';
import type { Logger } from '../log.ts';

/** Hands Snapshots out to those who asked. */
export interface SnapshotFeed extends SnapshotSource {
  /** Makes `snapshot` the current one. False, and nothing happens, when it is that already. */
  publish(snapshot: Snapshot): boolean;
  /** Nobody hears of anything any more. */
  close(): void;
}

export function createSnapshotFeed(first: Snapshot, log: Logger): SnapshotFeed {
  const listeners = new Set<(snapshot: Snapshot) => void>();
  let current = first;
  return {
    get current() {
      return current;
    },
    subscribe(listener) {
      // A wrapper of its own: the same function may subscribe twice.
      const own = (snapshot: Snapshot): void => listener(snapshot);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    publish(snapshot) {
      if (snapshot === current) return false;
      current = snapshot;
      for (const listener of listeners) {
        try {
          listener(snapshot);
        } catch (error) {
          // One consumer's failure must not keep the others on an old Snapshot.
          log.error('A consumer failed on a new Snapshot.', { version: snapshot.version, error: String(error) });
        }
      }
      return true;
    },
    close() {
      listeners.clear();
    },
  };
}
