import { createCompiler } from '@steelyard/core/compile';
import { type ParsedObjects, parseObjects } from '@steelyard/core/config';
import type { Snapshot, SnapshotSource } from '@steelyard/core/model';
import type { Logger } from '../log.ts';
import { createDiagnosticLog } from './diagnostic-log.ts';
import type { ManifestReader } from './read-manifests.ts';

export interface ReloadableSource extends SnapshotSource {
  /** Reads again, and publishes if something changed. Calls while one is under way end in one more reading. */
  reload(): Promise<void>;
}

export interface ReloadableOptions {
  readonly reader: ManifestReader;
  readonly clusterDomain?: string;
  readonly namespace: string;
  readonly log: Logger;
  /** Judges the first reading; what it throws is what opening fails with. */
  readonly check: (parsed: ParsedObjects, snapshot: Snapshot) => void;
}

/** Manifests as a source of Snapshots, without the watching. */
export async function createReloadableSource(options: ReloadableOptions): Promise<ReloadableSource> {
  const { reader, namespace, log } = options;
  const compiler = createCompiler({
    clientNamespace: namespace,
    ...(options.clusterDomain !== undefined && { clusterDomain: options.clusterDomain }),
  });
  const logDiagnostics = createDiagnosticLog(log);
  const listeners = new Set<(snapshot: Snapshot) => void>();
  const read = async (): Promise<ParsedObjects> => {
    return parseObjects(await reader.read(), { defaultNamespace: namespace });
  };

  const first = await read();
  let current = compiler.compile(first);
  options.check(first, current);
  logDiagnostics(current.diagnostics);

  const reloadOnce = async (): Promise<void> => {
    const snapshot = compiler.compile(await read());
    if (snapshot === current) return;
    current = snapshot;
    logDiagnostics(snapshot.diagnostics);
    for (const listener of listeners) {
      try {
        listener(snapshot);
      } catch (error) {
        // One consumer's failure must not keep the others on an old Snapshot.
        log.error('A consumer failed on a new Snapshot.', { version: snapshot.version, error: String(error) });
      }
    }
  };

  let underWay: Promise<void> | undefined;
  let again = false;
  const reloadUntilQuiet = async (): Promise<void> => {
    try {
      do {
        again = false;
        await reloadOnce();
      } while (again);
    } finally {
      underWay = undefined;
    }
  };

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
    reload() {
      if (underWay === undefined) underWay = reloadUntilQuiet();
      else again = true;
      return underWay;
    },
  };
}
