import type { Snapshot, SnapshotSource } from '@steelyard/core/model';

/** A source that a test moves by hand. */
export interface ManualSource extends SnapshotSource {
  publish(snapshot: Snapshot): void;
  /** How many listen now. */
  readonly listenerCount: number;
}

export function createManualSource(first: Snapshot): ManualSource {
  const listeners = new Set<(snapshot: Snapshot) => void>();
  let current = first;
  return {
    get current() {
      return current;
    },
    get listenerCount() {
      return listeners.size;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    publish(snapshot) {
      current = snapshot;
      for (const listener of listeners) listener(current);
    },
  };
}
