import type { IpFamily, Snapshot } from '@steelyard/core/model';
import { Histogram } from '../../histogram.ts';
import { type MetricFamily, renderHistogram, renderNumbers, type Sample } from '../../metric-text.ts';
import type { RuleSet } from '../compile/rule-set.ts';
import type { Applied } from './rule-applier.ts';

/** kube-proxy's buckets: doubling from a millisecond, 15 of them. */
const BOUNDS = Array.from({ length: 15 }, (_, index) => 0.001 * 2 ** index);

/** kube-proxy's buckets for the time from a change of pods to its rules: up to a minute finely, up to five coarsely. */
const PROGRAMMING_BOUNDS = [
  0.25,
  0.5,
  ...Array.from({ length: 59 }, (_, index) => index + 1),
  ...Array.from({ length: 12 }, (_, index) => 60 + 5 * index),
  ...Array.from({ length: 7 }, (_, index) => 120 + 30 * index),
];

export type RuleMode = 'iptables' | 'nftables';

/** What happened to the rules of one family. */
export interface RuleSyncObserver {
  /** A Snapshot came that is not written yet. */
  queued(before: Snapshot, after: Snapshot): void;
  /** @param version of the Snapshot whose rules they are */
  written(family: IpFamily, seconds: number, ruleSet: RuleSet, applied: Applied, version: number): void;
  /** @param complete everything was to be written, not a difference */
  failed(family: IpFamily, complete: boolean): void;
}

interface FamilyCounts {
  readonly full: Histogram;
  readonly partial: Histogram;
  readonly all: Histogram;
  readonly programming: Histogram;
  /** Changes that are not written yet. */
  waiting: readonly { readonly version: number; readonly changedAtMs: number }[];
  failures: number;
  partialFailures: number;
  lastSync: number;
  ruleSet: RuleSet | undefined;
  rulesWritten: ReadonlyMap<string, number>;
}

/**
 * How the rules keep up, under the names that kube-proxy's dashboards ask for (`pkg/proxy/metrics`). Its changes are of
 * objects; ours are of Services whose own fields or whose endpoints differ from one Snapshot to the next.
 */
export class SyncMetrics implements RuleSyncObserver {
  readonly #mode: RuleMode;
  readonly #now: () => number;
  readonly #families = new Map<IpFamily, FamilyCounts>();
  #lastQueued = 0;
  #services = { pending: 0, total: 0 };
  #endpoints = { pending: 0, total: 0 };

  /** @param now seconds since 1970 */
  constructor(mode: RuleMode, families: readonly IpFamily[], now: () => number = () => Date.now() / 1000) {
    this.#mode = mode;
    this.#now = now;
    for (const family of families) {
      this.#families.set(family, {
        full: new Histogram(BOUNDS),
        partial: new Histogram(BOUNDS),
        all: new Histogram(BOUNDS),
        programming: new Histogram(PROGRAMMING_BOUNDS),
        waiting: [],
        failures: 0,
        partialFailures: 0,
        lastSync: 0,
        ruleSet: undefined,
        rulesWritten: new Map(),
      });
    }
  }

  queued(before: Snapshot, after: Snapshot): void {
    this.#lastQueued = this.#now();
    const { services, endpoints } = countChanges(before, after);
    this.#services = { pending: this.#services.pending + services, total: this.#services.total + services };
    this.#endpoints = { pending: this.#endpoints.pending + endpoints, total: this.#endpoints.total + endpoints };
  }

  /** Pods of a Service changed at a moment that the slice controller wrote down; the Snapshot of this version has it. */
  triggered(version: number, changedAtMs: number): void {
    for (const counts of this.#families.values()) counts.waiting = [...counts.waiting, { version, changedAtMs }];
  }

  written(family: IpFamily, seconds: number, ruleSet: RuleSet, { complete, rules }: Applied, version: number): void {
    const counts = this.#families.get(family);
    if (counts === undefined) return;
    counts.all.record(seconds);
    (complete ? counts.full : counts.partial).record(seconds);
    counts.lastSync = this.#now();
    counts.ruleSet = ruleSet;
    counts.rulesWritten = rules;
    for (const { version: needed, changedAtMs } of counts.waiting) {
      if (needed <= version) counts.programming.record(Math.max(0, this.#now() - changedAtMs / 1000));
    }
    counts.waiting = counts.waiting.filter((each) => each.version > version);
    this.#services.pending = 0;
    this.#endpoints.pending = 0;
  }

  failed(family: IpFamily, complete: boolean): void {
    const counts = this.#families.get(family);
    if (counts === undefined) return;
    counts.failures++;
    if (!complete) counts.partialFailures++;
  }

  /** Seconds since 1970 of the last Snapshot that was queued and of the last sync of all families; 0 for never. */
  get times(): { readonly queued: number; readonly synced: number } {
    const synced = [...this.#families.values()].map(({ lastSync }) => lastSync);
    return { queued: this.#lastQueued, synced: synced.length === 0 ? 0 : Math.min(...synced) };
  }

  /** In the text format of Prometheus. */
  render(): string {
    const all = [...this.#families];
    const per = <T>(read: (counts: FamilyCounts) => T): Sample<T>[] =>
      all.map(([family, counts]) => ({ labels: [family], value: read(counts) }));
    const numbers = (
      name: string,
      type: 'counter' | 'gauge',
      help: string,
      samples: readonly Sample<number>[],
    ): string => renderNumbers(metric(name, type, help), samples);
    const seconds = (name: string, help: string, read: (counts: FamilyCounts) => Histogram): string =>
      renderHistogram(
        metric(name, 'histogram', help),
        per((counts) => read(counts).report()),
      );
    const shared = (value: number): Sample<number>[] => all.map(([family]) => ({ labels: [family], value }));
    const sync = 'sync_proxy_rules';
    return [
      seconds(`${sync}_duration_seconds`, 'Time to write the rules.', ({ all: each }) => each),
      seconds('sync_full_proxy_rules_duration_seconds', 'Time to write all rules.', ({ full }) => full),
      seconds('sync_partial_proxy_rules_duration_seconds', 'Time to write what changed.', ({ partial }) => partial),
      seconds(
        'network_programming_duration_seconds',
        'From a change of pods to its rules (SIG scalability).',
        ({ programming }) => programming,
      ),
      numbers(
        `${sync}_last_timestamp_seconds`,
        'gauge',
        'When rules were last written.',
        per((each) => each.lastSync),
      ),
      numbers(`${sync}_last_queued_timestamp_seconds`, 'gauge', 'When a change last came.', shared(this.#lastQueued)),
      numbers(`${sync}_service_changes_pending`, 'gauge', 'Services not written yet.', shared(this.#services.pending)),
      numbers(`${sync}_service_changes_total`, 'counter', 'Services that changed.', shared(this.#services.total)),
      numbers(
        `${sync}_endpoint_changes_pending`,
        'gauge',
        'Services whose endpoints are not written yet.',
        shared(this.#endpoints.pending),
      ),
      numbers(
        `${sync}_endpoint_changes_total`,
        'counter',
        'Services whose endpoints changed.',
        shared(this.#endpoints.total),
      ),
      this.#mode === 'iptables'
        ? this.#iptables(all, per)
        : numbers(
            `${sync}_nftables_sync_failures_total`,
            'counter',
            'Transactions that nft refused.',
            per(({ failures }) => failures),
          ),
    ].join('');
  }

  #iptables(
    all: readonly (readonly [IpFamily, FamilyCounts])[],
    per: (read: (counts: FamilyCounts) => number) => Sample<number>[],
  ): string {
    const byTable = (read: (counts: FamilyCounts) => ReadonlyMap<string, number>): Sample<number>[] =>
      all.flatMap(([family, counts]) =>
        [...read(counts)].map(([table, value]) => ({ labels: [family, table], value })),
      );
    const sync = 'sync_proxy_rules_iptables';
    return [
      renderNumbers(
        metric(`${sync}_total`, 'gauge', 'Rules, by table.', 'table'),
        byTable(({ ruleSet }) => rulesOf(ruleSet)),
      ),
      renderNumbers(
        metric(`${sync}_last`, 'gauge', 'Rules written by the last sync, by table.', 'table'),
        byTable(({ rulesWritten }) => rulesWritten),
      ),
      renderNumbers(
        metric(`${sync}_restore_failures_total`, 'counter', 'Times that iptables-restore refused.'),
        per(({ failures }) => failures),
      ),
      renderNumbers(
        metric(`${sync}_partial_restore_failures_total`, 'counter', 'Of these, with what changed only.'),
        per(({ partialFailures }) => partialFailures),
      ),
    ].join('');
  }
}

function metric(name: string, type: MetricFamily['type'], help: string, ...more: readonly string[]): MetricFamily {
  return { name: `kubeproxy_${name}`, type, help, labels: ['ip_family', ...more] };
}

function rulesOf(ruleSet: RuleSet | undefined): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(ruleSet?.tables ?? {}).map(([table, chains]) => {
      let count = 0;
      for (const { rules } of chains.values()) count += rules.length;
      return [table, count];
    }),
  );
}

function countChanges(before: Snapshot, after: Snapshot): { readonly services: number; readonly endpoints: number } {
  let services = 0;
  let endpoints = 0;
  for (const [key, entry] of after.services) {
    const old = before.services.get(key);
    if (old === entry) continue;
    if (old?.service !== entry.service) services++;
    if (old === undefined || old.ports.some((port, index) => port.endpoints !== entry.ports[index]?.endpoints))
      endpoints++;
  }
  for (const key of before.services.keys()) {
    if (after.services.has(key)) continue;
    services++;
    endpoints++;
  }
  return { services, endpoints };
}
