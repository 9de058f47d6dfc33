import type { IpFamily, Snapshot, SnapshotSource } from '@steelyard/core/model';
import type { Logger } from '../../log.ts';
import type { RuleApplier } from './rule-applier.ts';
import type { RuleSet } from '../compile/rule-set.ts';
import type { RuleSyncObserver } from './sync-metrics.ts';

/** One family's rules: how they are made, and where they go. */
export interface RuleTarget {
  readonly name: string;
  readonly family: IpFamily;
  readonly applier: RuleApplier;
  readonly compile: (snapshot: Snapshot) => RuleSet;
}

export interface RuleSyncOptions {
  readonly source: SnapshotSource;
  readonly targets: readonly RuleTarget[];
  readonly log: Logger;
  readonly observer?: RuleSyncObserver;
  /** Called after each sync that went well, with the Snapshot before (absent at the first) and the one written. */
  readonly onWritten?: (before: Snapshot | undefined, after: Snapshot) => Promise<void>;
  /** Least time between the end of one sync and the start of the next. Default 1000, as kube-proxy's `minSyncPeriod`. */
  readonly minSyncMs?: number;
  /** How often to look whether the rules are still there, and to try again what failed. Default 30,000. */
  readonly checkMs?: number;
}

export interface RuleSync {
  /** Resolves when the first sync is done. @throws ApplyError when it failed */
  readonly first: Promise<void>;
  /** The last sync went well. */
  isHealthy(): boolean;
  /** Waits for a sync under way; the rules stay. */
  close(): Promise<void>;
}

/** Keeps the kernel's rules at what the newest Snapshot says. A sync that fails is tried again and does not end this. */
export function startRuleSync(options: RuleSyncOptions): RuleSync {
  const { source, targets, log, observer, minSyncMs = 1000, checkMs = 30_000 } = options;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let notBefore = 0;
  let isPending = false;
  let healthy = false;
  let last: Snapshot | undefined;
  let running: Promise<void> = sync();

  async function sync(): Promise<void> {
    isPending = false;
    let written = false;
    const snapshot = source.current;
    try {
      for (const target of targets) await write(target, snapshot);
      written = true;
      const before = last;
      last = snapshot;
      await options.onWritten?.(before, snapshot);
    } finally {
      healthy = written;
      notBefore = performance.now() + minSyncMs;
    }
  }

  async function write({ name, family, applier, compile }: RuleTarget, snapshot: Snapshot): Promise<void> {
    const started = performance.now();
    const wasNew = applier.isNew;
    try {
      const ruleSet = compile(snapshot);
      const applied = await applier.apply(ruleSet);
      const ms = performance.now() - started;
      observer?.written(family, ms / 1000, ruleSet, applied, snapshot.version);
      if (applied.changed) log.info(`${name} rules written in ${Math.round(ms)} ms`);
    } catch (error) {
      observer?.failed(family, wasNew);
      throw error;
    }
  }

  function schedule(delayMs: number): void {
    if (closed) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      running = runOnce();
    }, delayMs);
  }

  async function runOnce(): Promise<void> {
    try {
      if (!isPending) await look();
      if (isPending) await sync();
    } catch (error) {
      log.error(
        `the rules could not be written, the kernel keeps what it has: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    // What came in meanwhile waits for its turn; otherwise the next look.
    schedule(isPending ? Math.max(0, notBefore - performance.now()) : checkMs);
  }

  /** A failed sync is not intact either. */
  async function look(): Promise<void> {
    for (const { name, applier } of targets) {
      if (await applier.isIntact()) continue;
      log.warn(`${name} rules are not what was written last: writing all of them`);
      isPending = true;
    }
  }

  let newest = source.current;
  const unsubscribe = source.subscribe((snapshot) => {
    observer?.queued(newest, snapshot);
    newest = snapshot;
    if (isPending) return;
    isPending = true;
    void running.catch(() => undefined).then(() => schedule(Math.max(0, notBefore - performance.now())));
  });
  const first = running;
  first.then(
    () => schedule(isPending ? minSyncMs : checkMs),
    () => schedule(checkMs),
  );
  return {
    first,
    isHealthy: () => healthy,
    async close() {
      closed = true;
      clearTimeout(timer);
      unsubscribe();
      await running.catch(() => undefined);
    },
  };
}
