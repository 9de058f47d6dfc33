import type { Random } from '@steelyard/core/balance';
import type { CallerOptions } from '@steelyard/core/compile';
import type { ConfigObject, ParsedObjects } from '@steelyard/core/config';
import type { SnapshotSource } from '@steelyard/core/model';
import type { Logger } from '../../log.ts';
import type { ApiTransport } from '../api/api-transport.ts';
import { ClusterError } from '../cluster-error.ts';
import type { Clock } from './clock.ts';
import { createCollector } from './collect-objects.ts';
import type { KindStatus } from './kind-status.ts';
import { type NameFeed, NameStore } from './name-store.ts';
import { Reflector } from './reflector.ts';
import type { ReflectorTimes } from './reflector-times.ts';
import { type ClusterKind, RESOURCE_KINDS } from './resource-kind.ts';
import { ReturnWatch } from './return-watch.ts';
import { createSnapshotPublisher } from './snapshot-publisher.ts';
import { type ProgrammedChange, TriggerTimes } from './trigger-times.ts';

export interface ClusterSourceOptions {
  /** Is closed with the source. */
  readonly transport: ApiTransport;
  readonly kinds: readonly ClusterKind[];
  readonly clusterDomain?: string;
  /** Of the callers. */
  readonly namespace: string;
  /** Labels and place of the callers. */
  readonly client?: CallerOptions;
  readonly log: Logger;
  /** Where Diagnostics are written. */
  readonly findings: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly times: ReflectorTimes;
  /** Manifests beside the API server, as they are now. */
  readonly manifests?: () => ParsedObjects;
}

/** The API server as a source of Snapshots. Before the first complete state `current` is empty and nothing is published. */
export interface ClusterSource extends SnapshotSource {
  /** Whether every kind's first list has come, or is known not to. Stays true from then on. */
  readonly synced: boolean;
  /**
   * Resolves with the first complete state.
   *
   * @throws ClusterError when it did not come within `timeoutMs`, or when it cannot come because of missing rights
   */
  whenSynced(timeoutMs?: number): Promise<void>;
  /** How it stands with each kind. */
  status(): readonly KindStatus[];
  /** What the newest Snapshot was compiled from, for those who look at more than it says. */
  objects(): readonly ConfigObject[];
  /** The Namespaces there are; none where they are not asked for. */
  readonly namespaces: NameFeed;
  /** Calls `listener` with the changes of endpoints that a Snapshot has just put in force; ended by what is returned. */
  onProgrammed(listener: (changes: readonly ProgrammedChange[]) => void): () => void;
  /** The manifests beside it changed. */
  touch(): void;
  /** Ends the watching; the last Snapshot stays. */
  close(): void;
}

export function createClusterSource(options: ClusterSourceOptions): ClusterSource {
  const { transport, clock, random, times, namespace } = options;
  const log = options.log;
  let synced = false;
  const waiting = new Set<() => void>();
  const publisher = createSnapshotPublisher({
    ...(options.clusterDomain !== undefined && { clusterDomain: options.clusterDomain }),
    namespace,
    ...(options.client !== undefined && { client: options.client }),
    log: options.findings,
    clock,
    collect: () => collect(options.manifests?.()),
    onPublished() {
      const changes = triggers.take();
      if (changes.length > 0) for (const listener of programmed) listener(changes);
    },
  });
  const touch = (): void => {
    // Half of a cluster is worse than none: a Service without its endpoints would be served empty.
    if (synced) publisher.touch();
  };
  const onPhase = (): void => {
    if (!synced && reflectors.every(({ settled }) => settled)) {
      synced = true;
      publisher.publish();
    }
    for (const look of waiting) look();
  };
  const triggers = new TriggerTimes();
  const programmed = new Set<(changes: readonly ProgrammedChange[]) => void>();
  const returns = new ReturnWatch({ transport, clock, random, everyMs: times.returnMs });
  const reflectors = options.kinds.map(
    (kind) =>
      new Reflector({
        resource: RESOURCE_KINDS[kind],
        transport,
        clock,
        random,
        times,
        log,
        returns,
        onChange: touch,
        ...(kind === 'EndpointSlice' && { onEvent: (value: unknown) => programmed.size > 0 && triggers.see(value) }),
        onPhase,
      }),
  );
  const collect = createCollector(reflectors.map(({ store }) => store));
  for (const reflector of reflectors) void reflector.run();

  const namespaces = reflectors.map(({ store }) => store).find((store) => store instanceof NameStore);
  return {
    namespaces: namespaces ?? new NameStore(),
    get current() {
      return publisher.current;
    },
    get synced() {
      return synced;
    },
    subscribe: (listener) => publisher.subscribe(listener),
    status: () => reflectors.map((reflector) => reflector.status()),
    objects: () => collect(options.manifests?.()).objects.map(({ object }) => object),
    touch,
    onProgrammed(listener) {
      programmed.add(listener);
      return () => void programmed.delete(listener);
    },
    whenSynced: (timeoutMs) =>
      new Promise((resolve, reject) => {
        const cancel =
          timeoutMs === undefined ? undefined : clock.after(timeoutMs, () => finish(notSynced(reflectors, timeoutMs)));
        const look = (): void => {
          if (synced) finish();
          const refused = reflectors.map((reflector) => reflector.status()).find(isRefused);
          if (refused !== undefined) finish(new ClusterError('API_FORBIDDEN', refused.trouble ?? ''));
        };
        const finish = (error?: ClusterError): void => {
          cancel?.();
          waiting.delete(look);
          if (error === undefined) resolve();
          else reject(error);
        };
        waiting.add(look);
        look();
      }),
    close() {
      for (const reflector of reflectors) reflector.stop();
      returns.stop();
      publisher.close();
      waiting.clear();
      transport.close();
    },
  };
}

function isRefused({ kind, phase, synced }: KindStatus): boolean {
  return phase === 'forbidden' && !synced && RESOURCE_KINDS[kind].required;
}

function notSynced(reflectors: readonly Reflector[], timeoutMs: number): ClusterError {
  const missing = reflectors.filter(({ settled }) => !settled).map((reflector) => reflector.status());
  const trouble = missing.find((status) => status.trouble !== undefined)?.trouble;
  const kinds = missing.map(({ kind }) => kind).join(', ');
  const why = trouble ?? `no complete list of ${kinds}`;
  return new ClusterError('API_UNREACHABLE', `no state of the cluster within ${timeoutMs / 1000} s: ${why}`);
}
