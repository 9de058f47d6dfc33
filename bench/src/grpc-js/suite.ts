import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort, startProcess } from '@steelyard/tools/peers';
import { pinning, type Pin } from '../cpus.ts';
import { machineName, type Measurement, runMeasurement } from '../run-measurement.ts';
import { outputFormat, type OutputFormat, SUITE_OPTIONS, wholeNumber } from '../suite-options.ts';
import { EXPERIMENTS, type Experiment } from './experiments.ts';
import { holdBars, renderReport, type GrpcJsReport } from './report.ts';
import { parseRows, type Row } from './row.ts';

const USAGE = `npm run bench -- grpc-js [OPTIONS]
  --only NAME       ${[...EXPERIMENTS.keys()].join(' | ')}, repeatable (default: all)
  --rounds N        of the cost; medians over them are reported (default: 31)
  -o table|json     what is printed on standard output (default: table)
`;

interface SuiteOptions {
  readonly only: readonly string[];
  readonly rounds: number;
  readonly output: OutputFormat;
}

const SUITE: Measurement<SuiteOptions, GrpcJsReport> = {
  name: 'grpc-js',
  usage: USAGE,
  parseOptions,
  obstacle: () =>
    process.platform === 'linux'
      ? undefined
      : 'the pods are addresses of 127/8, which only Linux has without being told',
  async measure({ only, rounds }) {
    const rows: Row[] = [];
    for (const name of only) {
      const experiment = EXPERIMENTS.get(name);
      if (experiment !== undefined) rows.push(...(await runExperiment(name, experiment, rounds)));
    }
    return {
      versions: { node: process.versions.node, '@grpc/grpc-js': grpcJsVersion() },
      machine: machineName(),
      rounds,
      rows,
      bars: holdBars(rows),
    };
  },
  renderReport: (report) => `${renderReport(report, (name) => EXPERIMENTS.get(name)?.about ?? '')}\n`,
  holds: ({ bars }) => bars.every(({ holds }) => holds),
};

/** Exit 0 every bar holds, 1 one does not or an experiment has failed, 2 wrong usage. */
export function runSuite(args: readonly string[]): Promise<number> {
  return runMeasurement(SUITE, args);
}

function parseOptions(args: readonly string[]): SuiteOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...SUITE_OPTIONS,
      only: { type: 'string', multiple: true },
      rounds: { type: 'string', default: '31' },
    },
  });
  if (values.help) return 'help';
  const { only = [...EXPERIMENTS.keys()] } = values;
  for (const name of only) {
    if (!EXPERIMENTS.has(name)) throw new Error(`--only ${name}: must be one of ${[...EXPERIMENTS.keys()].join(', ')}`);
  }
  return { only, rounds: wholeNumber('--rounds', values.rounds, 1000), output: outputFormat(values.output) };
}

/** The caller on one CPU, the pods on the others, so that they do not push it around. */
async function runExperiment(name: string, { misbehaving }: Experiment, rounds: number): Promise<Row[]> {
  const unpinned: Pin = (command) => command;
  const { subject, others } = pinning() ?? { subject: unpinned, others: unpinned };
  const port = await freePort();
  const podsFile = join(import.meta.dirname, 'pods-main.js');
  const [podsCommand = '', ...podsArgs] = others([
    process.execPath,
    podsFile,
    String(port),
    JSON.stringify(misbehaving),
  ]);
  const pods = await startProcess('pods', podsCommand, podsArgs, port);
  try {
    const file = join(import.meta.dirname, 'experiment-main.js');
    const words = subject([process.execPath, '--expose-gc', file, name, String(port), String(rounds)]);
    const [command = '', ...args] = words;
    return await printedRows(name, command, args);
  } finally {
    await pods.stop();
  }
}

function printedRows(name: string, command: string, args: readonly string[]): Promise<Row[]> {
  return new Promise((done, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    process.once('exit', () => child.kill('SIGKILL'));
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) done(parseRows(printed));
      else reject(new Error(`the experiment ${name} has failed; see above`));
    });
  });
}

function grpcJsVersion(): string {
  const manifest = createRequire(import.meta.url).resolve('@grpc/grpc-js/package.json');
  return /"version": "([^"]+)"/.exec(readFileSync(manifest, 'utf8'))?.[1] ?? 'unknown';
}
