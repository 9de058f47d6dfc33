import { median } from '../statistics.ts';
import type { Job, JobResult, Mode, SubjectName } from './job.ts';

export interface Row extends Job {
  readonly runs: readonly JobResult[];
}

export interface Bar {
  readonly text: string;
  readonly measured: number;
  readonly most: number;
  readonly holds: boolean;
}

export interface RulesReport {
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: string;
  readonly rows: readonly Row[];
  readonly bars: readonly Bar[];
}

/** The promises that need kube-proxy beside us hold only where it was there. */
export function holdBars(rows: readonly Row[]): Bar[] {
  const figure = (mode: Mode, subject: SubjectName, name: keyof JobResult): number | undefined => {
    const row = rows.find((each) => each.mode === mode && each.subject === subject);
    return row && middle(row, name);
  };
  const ratio = (mode: Mode, name: keyof JobResult): number | undefined => {
    const [ours, theirs] = [figure(mode, 'steelyard', name), figure(mode, 'kube-proxy', name)];
    return ours === undefined || theirs === undefined ? undefined : ours / theirs;
  };
  const bars: readonly (readonly [string, number | undefined, number])[] = [
    ['nftables, one slice, seconds', figure('nftables', 'steelyard', 'change'), 0.15],
    ['nftables, from empty, ratio to kube-proxy', ratio('nftables', 'full'), 1],
    ['nftables, CPU of one slice, ratio to kube-proxy', ratio('nftables', 'changeCpu'), 0.1],
    ['iptables, from empty, ratio to kube-proxy', ratio('iptables', 'full'), 1],
    ['iptables, one slice, ratio to kube-proxy', ratio('iptables', 'change'), 1],
  ];
  return bars.flatMap(([text, measured, most]) =>
    measured === undefined ? [] : [{ text, measured, most, holds: measured <= most }],
  );
}

function middle({ runs }: Row, name: keyof JobResult): number {
  return median(runs.map((run) => run[name]));
}

export function renderReport({ rows, bars, versions }: RulesReport): string {
  const [first] = rows;
  const size = first === undefined ? '' : `${first.services} Services x ${first.endpoints} endpoints`;
  const seconds = (value: number): string => `${value.toFixed(3)} s`.padStart(10);
  const lines = rows.map(
    (row) =>
      `${row.mode.padEnd(9)} ${row.subject.padEnd(11)}${seconds(middle(row, 'full'))}${seconds(middle(row, 'change'))}` +
      `${seconds(middle(row, 'visible'))}${seconds(middle(row, 'changeCpu'))}${seconds(middle(row, 'startCpu'))}`,
  );
  return [
    `${size}; ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
    '',
    `${''.padEnd(21)}${['all', 'one slice', 'visible', 'its CPU', 'CPU before'].map((name) => name.padStart(10)).join('')}`,
    ...lines,
    '',
    ...bars.map(
      ({ text, measured, most, holds }) =>
        `${holds ? 'holds ' : 'MISSED'}  ${text}: ${measured.toFixed(3)} (at most ${most})`,
    ),
    '',
  ].join('\n');
}
