import { type CallerOptions, createCompiler } from '@steelyard/core/compile';
import type { ParsedObjects } from '@steelyard/core/config';
import type { SnapshotSource } from '@steelyard/core/model';
import type { Logger } from '../../log.ts';
import { createDiagnosticLog } from '../diagnostic-log.ts';
import { createSnapshotFeed } from '../snapshot-feed.ts';
import type { Clock } from './clock.ts';

export interface PublisherOptions {
  readonly clusterDomain?: string;
  readonly namespace: string;
  /** Labels and place of the callers. */
  readonly client?: CallerOptions;
  readonly log: Logger;
  readonly clock: Clock;
  /** All objects there are now. */
  readonly collect: () => ParsedObjects;
  /** All that was collected is in force with everybody who listens. */
  readonly onPublished?: () => void;
}

/** Compiles what changes come together, and hands the Snapshots out. */
export interface SnapshotPublisher extends SnapshotSource {
  /** Something changed; it is seen at once, or after the compiling of what changed before. Cheap to call often. */
  touch(): void;
  /** Takes over what there is, now. */
  publish(): void;
  close(): void;
}

/** Compiling never takes more than about half of the time, however many changes come; nor waits longer than this. */
const MOST_PAUSE_MS = 25;

export function createSnapshotPublisher(options: PublisherOptions): SnapshotPublisher {
  const { namespace, log, clock } = options;
  const compiler = createCompiler({
    clientNamespace: namespace,
    ...options.client,
    ...(options.clusterDomain !== undefined && { clusterDomain: options.clusterDomain }),
  });
  const logDiagnostics = createDiagnosticLog(log);
  // Nothing has been seen yet: a whole and consistent nothing.
  const feed = createSnapshotFeed(compiler.compile({ objects: [], broken: [], diagnostics: [] }), log);
  let cancel: (() => void) | undefined;
  let notBefore = 0;

  const publish = (): void => {
    cancel?.();
    cancel = undefined;
    const startedAt = clock.now();
    const snapshot = compiler.compile(options.collect());
    const endedAt = clock.now();
    notBefore = endedAt + Math.min(endedAt - startedAt, MOST_PAUSE_MS);
    if (feed.publish(snapshot)) logDiagnostics(snapshot.diagnostics);
    options.onPublished?.();
  };

  return {
    get current() {
      return feed.current;
    },
    subscribe: (listener) => feed.subscribe(listener),
    touch() {
      // What else comes in this turn of the event loop belongs to the same Snapshot.
      cancel ??= clock.after(Math.max(0, notBefore - clock.now()), publish);
    },
    publish,
    close() {
      cancel?.();
      feed.close();
    },
  };
}
