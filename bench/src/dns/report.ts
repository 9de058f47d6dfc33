import { groupBy, median } from '../statistics.ts';
import type { ServerName } from './servers.ts';

/** One run of one server. */
export interface DnsRun {
  readonly server: ServerName;
  readonly records: number;
  readonly queriesPerSecond: number;
  readonly cpuMicrosPerQuery: number;
  readonly lost: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

export interface DnsRow extends Omit<DnsRun, 'lost'> {
  readonly runs: number;
  /** Over all runs. */
  readonly lost: number;
}

export interface DnsBar {
  readonly bar: string;
  readonly value: number;
  readonly holds: boolean;
}

export interface DnsReport {
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: string;
  readonly rows: readonly DnsRow[];
  readonly bars: readonly DnsBar[];
}

/** At least so many times CoreDNS's queries a second. */
const LEAST_RATIO = 1.5;
/** p99 not worse, but for what two runs on one machine differ by. */
const P99_TOLERANCE = 1.1;

/** Medians of the runs of each server and number of records. */
export function sumUp(runs: readonly DnsRun[]): readonly DnsRow[] {
  const groups = groupBy(runs, ({ server, records }) => `${server} ${records}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    return [
      {
        server: first.server,
        records: first.records,
        runs: group.length,
        queriesPerSecond: median(group.map(({ queriesPerSecond }) => queriesPerSecond)),
        cpuMicrosPerQuery: median(group.map(({ cpuMicrosPerQuery }) => cpuMicrosPerQuery)),
        lost: group.reduce((sum, { lost }) => sum + lost, 0),
        p50Micros: median(group.map(({ p50Micros }) => p50Micros)),
        p99Micros: median(group.map(({ p99Micros }) => p99Micros)),
      },
    ];
  });
}

/** None where CoreDNS was not measured. */
export function holdBars(rows: readonly DnsRow[]): readonly DnsBar[] {
  return rows.flatMap((ours) => {
    const theirs = rows.find(({ server, records }) => server === 'coredns' && records === ours.records);
    if (ours.server !== 'steelyard' || theirs === undefined) return [];
    const ratio = ours.queriesPerSecond / theirs.queriesPerSecond;
    const p99 = ours.p99Micros / theirs.p99Micros;
    return [
      { bar: `${ours.records} records: queries a second, times CoreDNS's`, value: ratio, holds: ratio >= LEAST_RATIO },
      { bar: `${ours.records} records: p99, times CoreDNS's`, value: p99, holds: p99 <= P99_TOLERANCE },
    ];
  });
}

export function renderReport({ versions, machine, rows, bars }: DnsReport): string {
  const words = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const lines = [
    `${machine}; ${words.join(', ')}`,
    '',
    `${'server'.padEnd(11)}${'records'.padStart(8)}${'queries/s'.padStart(12)}${'CPU us/query'.padStart(14)}${'p50 us'.padStart(9)}${'p99 us'.padStart(9)}${'lost'.padStart(6)}`,
    ...rows.map((row) =>
      [
        row.server.padEnd(11),
        String(row.records).padStart(8),
        row.queriesPerSecond.toFixed(0).padStart(12),
        row.cpuMicrosPerQuery.toFixed(2).padStart(14),
        row.p50Micros.toFixed(0).padStart(9),
        row.p99Micros.toFixed(0).padStart(9),
        String(row.lost).padStart(6),
      ].join(''),
    ),
    '',
    ...bars.map(({ bar, value, holds }) => `${holds ? 'holds' : 'FAILS'}  ${bar}: ${value.toFixed(2)}`),
  ];
  return `${lines.join('\n')}\n`;
}
