import type { SubjectName } from '@steelyard/tools/peers';

/** The medians over the rounds of one subject at one shape. */
export interface BenchRow {
  readonly shape: string;
  readonly subject: SubjectName;
  readonly cpuMicrosPerCall: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Our CPU time per call over a peer's: below 1 we are cheaper. Median of the ratios of each round. */
export interface BenchRatio {
  readonly shape: string;
  readonly peer: SubjectName;
  readonly cpuRatio: number;
}

export interface BenchReport {
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: string;
  /** Peers that are not installed. */
  readonly missing: readonly SubjectName[];
  readonly rounds: number;
  readonly seconds: number;
  readonly rows: readonly BenchRow[];
  readonly ratios: readonly BenchRatio[];
}

/** One measurement of one round. */
export interface Sample extends BenchRow {
  readonly round: number;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** Rows in the order in which shapes and subjects first appear. */
export function summarise(samples: readonly Sample[]): BenchRow[] {
  return [...groupBy(samples, ({ shape, subject }) => `${shape} ${subject}`).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const of = (field: 'cpuMicrosPerCall' | 'callsPerSecond' | 'p50Ms' | 'p99Ms', digits: number): number =>
      Number(median(group.map((sample) => sample[field])).toFixed(digits));
    return [
      {
        shape: first.shape,
        subject: first.subject,
        cpuMicrosPerCall: of('cpuMicrosPerCall', 3),
        callsPerSecond: of('callsPerSecond', 0),
        p50Ms: of('p50Ms', 4),
        p99Ms: of('p99Ms', 4),
      },
    ];
  });
}

/**
 * Ratios within a round, then their median: rounds run one after the other on a machine whose speed drifts, what is measured
 * close together compares best.
 */
export function ratios(samples: readonly Sample[]): BenchRatio[] {
  const ours = new Map(
    samples
      .filter(({ subject }) => subject === 'steelyard')
      .map((sample) => [`${sample.shape} ${sample.round}`, sample.cpuMicrosPerCall]),
  );
  const peers = samples.filter(({ subject }) => subject !== 'steelyard');
  return [...groupBy(peers, ({ shape, subject }) => `${shape} ${subject}`).values()].flatMap((group) => {
    const [first] = group;
    const values = group.flatMap((sample) => {
      const own = ours.get(`${sample.shape} ${sample.round}`);
      return own === undefined ? [] : [own / sample.cpuMicrosPerCall];
    });
    if (first === undefined || values.length === 0) return [];
    return [{ shape: first.shape, peer: first.subject, cpuRatio: Number(median(values).toFixed(3)) }];
  });
}

export function renderTable(report: BenchReport): string {
  const header = ['shape', 'subject', 'CPU us/call', 'calls/s', 'p50 ms', 'p99 ms', 'ours / its CPU'];
  const lines = report.rows.map((row) => {
    const ratio = report.ratios.find(({ shape, peer }) => shape === row.shape && peer === row.subject);
    return [
      row.shape,
      row.subject,
      row.cpuMicrosPerCall.toFixed(2),
      row.callsPerSecond.toFixed(0),
      row.p50Ms.toFixed(3),
      row.p99Ms.toFixed(3),
      ratio === undefined ? '' : ratio.cpuRatio.toFixed(2),
    ];
  });
  const widths = header.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)),
  );
  const render = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [render(header), ...lines.map(render)].join('\n');
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}
