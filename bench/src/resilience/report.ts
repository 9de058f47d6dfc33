import { median, round } from '../statistics.ts';
import { textTable } from '../text-table.ts';
import type { FaultRun } from './faults.ts';
import type { RolloutRun } from './rollout.ts';

export interface FaultRow extends FaultRun {
  readonly runs: number;
}

/** Something that is to be so. */
export interface Bar {
  readonly bar: string;
  readonly value: string;
  readonly holds: boolean;
}

export interface ResilienceReport {
  readonly date: string;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly missing: readonly string[];
  readonly faults: readonly FaultRow[];
  readonly rollouts: readonly RolloutRun[];
  readonly bars: readonly Bar[];
}

/**
 * What two runs on one machine differ by: of a percentage in points, of a p99 by a share and in milliseconds. A machine that
 * is busy with other things adds as much as it makes timers late.
 */
const POINTS = 0.2;
const SHARE = 1.15;
const MILLISECONDS = 2;

/** Medians over the runs of each subject with each fault. */
export function sumUpFaults(runs: readonly FaultRun[]): readonly FaultRow[] {
  const keys = [...new Set(runs.map(({ fault, subject }) => `${fault} ${subject}`))];
  return keys.flatMap((key) => {
    const group = runs.filter(({ fault, subject }) => `${fault} ${subject}` === key);
    const [first] = group;
    if (first === undefined) return [];
    const of = (figure: (run: FaultRun) => number): number => round(median(group.map(figure)), 2);
    return [
      {
        fault: first.fault,
        subject: first.subject,
        runs: group.length,
        calls: group.reduce((sum, { calls }) => sum + calls, 0),
        successPercent: of(({ successPercent }) => successPercent),
        p50Ms: of(({ p50Ms }) => p50Ms),
        p99Ms: of(({ p99Ms }) => p99Ms),
        lagMs: of(({ lagMs }) => lagMs),
        sickPercent: of(({ sickPercent }) => sickPercent),
      },
    ];
  });
}

/** At least as good as Envoy by the same rule, and with gRPC's terms at least as good as the best of both. */
export function faultBars(rows: readonly FaultRow[]): readonly Bar[] {
  const find = (fault: string, subject: string): FaultRow | undefined =>
    rows.find((row) => row.fault === fault && row.subject === subject);
  const faults = [...new Set(rows.map(({ fault }) => fault))];
  return faults.flatMap((fault) => {
    const peers = ['LEAST_REQUEST', 'ROUND_ROBIN'].flatMap((policy) =>
      compare(`${fault}: ${policy}`, find(fault, `steelyard ${policy}`), find(fault, `envoy ${policy}`)),
    );
    const terms = find(fault, 'steelyard with gRPC terms');
    const best = ['LEAST_REQUEST', 'ROUND_ROBIN'].flatMap((policy) =>
      compare(`${fault}: gRPC terms beside ${policy}`, terms, find(fault, `envoy ${policy}`)),
    );
    return [...peers, ...best];
  });
}

function compare(what: string, ours: FaultRow | undefined, theirs: FaultRow | undefined): readonly Bar[] {
  if (ours === undefined || theirs === undefined) return [];
  return [
    {
      bar: `${what}, success not below Envoy's`,
      value: `${ours.successPercent} % beside ${theirs.successPercent} %`,
      holds: ours.successPercent >= theirs.successPercent - POINTS,
    },
    {
      bar: `${what}, p99 not above Envoy's`,
      value: `${ours.p99Ms} ms beside ${theirs.p99Ms} ms`,
      holds: ours.p99Ms <= theirs.p99Ms * SHARE + MILLISECONDS + ours.lagMs,
    },
  ];
}

export function rolloutBars(runs: readonly RolloutRun[]): readonly Bar[] {
  const ours = runs.filter(({ subject }) => subject === 'steelyard');
  if (ours.length === 0) return [];
  const failed = ours.reduce((sum, { failures }) => sum + failuresOf(failures), 0);
  const lost = ours.reduce((sum, { streamsLost }) => sum + streamsLost, 0);
  return [
    { bar: 'rollout: no failed unary call', value: `${failed} failed`, holds: failed === 0 },
    { bar: 'rollout: streams end only with their pod', value: `${lost} lost`, holds: lost === 0 },
  ];
}

function failuresOf(failures: RolloutRun['failures']): number {
  return Object.values(failures).reduce((sum, count) => sum + count, 0);
}

export function renderReport({ faults, rollouts, bars }: ResilienceReport): string {
  const faultTable = textTable(
    ['one of five pods is', 'subject', 'calls', 'success %', 'p50 ms', 'p99 ms', 'to that pod %', 'timers late by ms'],
    faults.map((row) => [
      row.fault,
      row.subject,
      String(row.calls),
      row.successPercent.toFixed(2),
      row.p50Ms.toFixed(1),
      row.p99Ms.toFixed(1),
      row.sickPercent.toFixed(2),
      row.lagMs.toFixed(1),
    ]),
    2,
  );
  const rolloutTable = textTable(
    ['all pods replaced', 'calls', 'failed', 'streams', 'lost'],
    rollouts.map((run) => [
      run.subject,
      String(run.calls),
      String(failuresOf(run.failures)),
      String(run.streams),
      String(run.streamsLost),
    ]),
    1,
  );
  const barLines = bars.map(({ bar, value, holds }) => `${holds ? 'holds' : 'FAILS'}  ${bar}: ${value}\n`).join('');
  return `${faultTable}\n${rolloutTable}\n${barLines}`;
}
