import { type CallerOptions, createCompiler } from '@steelyard/core/compile';
import { type ParsedObjects, parseObjects } from '@steelyard/core/config';
import type { Snapshot, SnapshotSource } from '@steelyard/core/model';
import type { Logger } from '../log.ts';
import { createDiagnosticLog } from './diagnostic-log.ts';
import type { ManifestReader } from './read-manifests.ts';
import { createSnapshotFeed } from './snapshot-feed.ts';

export interface ReloadableSource extends SnapshotSource {
  /** Reads again, and publishes if something changed. Calls while one is under way end in one more reading. */
  reload(): Promise<void>;
}

export interface ReloadableOptions {
  readonly reader: ManifestReader;
  readonly clusterDomain?: string;
  readonly namespace: string;
  /** Labels and place of the callers. */
  readonly client?: CallerOptions;
  readonly log: Logger;
  /** Judges the first reading; what it throws is what opening fails with. */
  readonly check: (parsed: ParsedObjects, snapshot: Snapshot) => void;
}

/** Manifests as a source of Snapshots, without the watching. */
export async function createReloadableSource(options: ReloadableOptions): Promise<ReloadableSource> {
  const { reader, namespace, log } = options;
  const compiler = createCompiler({
    clientNamespace: namespace,
    ...options.client,
    ...(options.clusterDomain !== undefined && { clusterDomain: options.clusterDomain }),
  });
  const logDiagnostics = createDiagnosticLog(log);
  const read = async (): Promise<ParsedObjects> => {
    return parseObjects(await reader.read(), { defaultNamespace: namespace });
  };

  const first = await read();
  const snapshot = compiler.compile(first);
  options.check(first, snapshot);
  logDiagnostics(snapshot.diagnostics);
  const feed = createSnapshotFeed(snapshot, log);

  const reloadOnce = async (): Promise<void> => {
    const next = compiler.compile(await read());
    if (feed.publish(next)) logDiagnostics(next.diagnostics);
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
      return feed.current;
    },
    subscribe: (listener) => feed.subscribe(listener),
    reload() {
      if (underWay === undefined) underWay = reloadUntilQuiet();
      else again = true;
      return underWay;
    },
  };
}
