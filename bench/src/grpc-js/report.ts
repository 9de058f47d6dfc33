import type { Row } from './row.ts';

export interface GrpcJsReport {
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: string;
  readonly rounds: number;
  readonly rows: readonly Row[];
  readonly bars: readonly Bar[];
}

/** What is promised of our policies, and whether this run has kept it. */
export interface Bar {
  readonly text: string;
  readonly measured: number;
  /** One of both. */
  readonly most?: number;
  readonly least?: number;
  readonly holds: boolean;
}

const BARS: readonly (Omit<Bar, 'measured' | 'holds'> & Pick<Row, 'experiment' | 'subject'> & { figure: string })[] = [
  {
    text: 'CPU per call, round robin to round robin',
    experiment: 'cost',
    subject: 'steelyard_round_robin',
    figure: 'ratioToRoundRobin',
    most: 1.03,
  },
  {
    text: 'of 1,000 endpoints one changes, ms of event loop',
    experiment: 'update',
    subject: 'steelyard_round_robin',
    figure: 'heldMs',
    most: 5,
  },
  {
    text: 'connections dialled by that change',
    experiment: 'update',
    subject: 'steelyard_round_robin',
    figure: 'connectionsDialled',
    most: 1,
  },
  {
    text: 'connections for a subset of 20 of 5,000',
    experiment: 'subset',
    subject: 'steelyard_least_request',
    figure: 'connections',
    most: 29,
  },
  {
    text: 'memory for it over grpc-js alone, MiB',
    experiment: 'subset',
    subject: 'steelyard_least_request',
    figure: 'memoryMiB',
    most: 100,
  },
  ...['round_robin', 'random', 'least_request', 'weighted_round_robin'].map((policy) => ({
    text: `shares of ${policy} fit what it promises, chi-square p`,
    experiment: 'shares',
    subject: `steelyard_${policy}`,
    figure: 'pValue',
    least: 0.001,
  })),
];

/** Of what was measured. */
export function holdBars(rows: readonly Row[]): Bar[] {
  return BARS.flatMap(({ text, experiment, subject, figure, most = Infinity, least = -Infinity }) => {
    const row = rows.find((each) => each.experiment === experiment && each.subject === subject);
    const measured = row?.figures[figure];
    if (measured === undefined) return [];
    const limit = least === -Infinity ? { most } : { least };
    return [{ text, measured, ...limit, holds: measured <= most && measured >= least }];
  });
}

const UNITS: ReadonlyMap<string, string> = new Map([
  ['cpuMicrosPerCall', 'CPU us/call'],
  ['ratioToRoundRobin', 'to round_robin'],
  ['heldMs', 'loop held ms'],
  ['connectionsDialled', 'dialled'],
  ['memoryMiB', 'memory MiB'],
  ...[1, 2, 3, 4, 5].map((pod): [string, string] => [`pod${pod}Percent`, `pod ${pod}`]),
  ['pValue', 'p'],
  ['p50Ms', 'p50 ms'],
  ['p99Ms', 'p99 ms'],
  ['latePercent', 'to the slow %'],
  ['successPercent', 'success %'],
]);
/** Which figure of an experiment is drawn as a bar. */
const DRAWN: ReadonlyMap<string, string> = new Map([
  ['cost', 'ratioToRoundRobin'],
  ['update', 'heldMs'],
  ['slow', 'latePercent'],
  ['failing', 'successPercent'],
]);
const BAR_WIDTH = 20;

export function renderReport(report: GrpcJsReport, about: (experiment: string) => string): string {
  const experiments = [...new Set(report.rows.map(({ experiment }) => experiment))];
  const tables = experiments.map((experiment) => {
    const rows = report.rows.filter((row) => row.experiment === experiment);
    return `${experiment}: ${about(experiment)}\n${renderTable(rows, DRAWN.get(experiment))}\n`;
  });
  const bars = report.bars.map(
    ({ text, measured, most, least, holds }) =>
      `${holds ? 'holds' : 'FAILS'}  ${text}: ${round(measured)}, ${least === undefined ? `at most ${most}` : `at least ${least}`}`,
  );
  return [...tables, ...bars].join('\n');
}

function renderTable(rows: readonly Row[], drawn: string | undefined): string {
  const names = Object.keys(rows[0]?.figures ?? {});
  const most = Math.max(...rows.map(({ figures }) => figures[drawn ?? ''] ?? 0));
  const lines = [
    ['subject', ...names.map((name) => UNITS.get(name) ?? name)],
    ...rows.map(({ subject, figures }) => [
      subject,
      ...names.map((name) => (figures[name] === undefined ? '' : round(figures[name]))),
      '█'.repeat(Math.round(((figures[drawn ?? ''] ?? 0) / most) * BAR_WIDTH) || 0),
    ]),
  ];
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column === 0 || column >= widths.length
            ? cell.padEnd(widths[column] ?? 0)
            : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `  ${line}`)
    .join('\n');
}

/** Three digits or so. */
function round(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(value >= 100 ? 1 : value >= 10 ? 2 : 3);
}
