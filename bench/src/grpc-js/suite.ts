import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort, startProcess } from '@steelyard/tools/peers';
import { pinning, type Pin } from '../cpus.ts';
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
  readonly output: 'table' | 'json';
}

/** Exit 0 every bar holds, 1 one does not or an experiment has failed, 2 wrong usage. */
export async function runSuite(args: readonly string[]): Promise<number> {
  let options: SuiteOptions | 'help';
  try {
    options = parseOptions(args);
  } catch (error) {
    process.stderr.write(`bench grpc-js: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (process.platform !== 'linux') {
    process.stderr.write('bench grpc-js: the pods are addresses of 127/8, which only Linux has without being told\n');
    return 2;
  }
  const rows: Row[] = [];
  for (const name of options.only) {
    const experiment = EXPERIMENTS.get(name);
    if (experiment !== undefined) rows.push(...(await runExperiment(name, experiment, options.rounds)));
  }
  const report: GrpcJsReport = {
    versions: { node: process.versions.node, '@grpc/grpc-js': grpcJsVersion() },
    machine: `${cpus()[0]?.model ?? 'unknown'} x ${cpus().length}`,
    rounds: options.rounds,
    rows,
    bars: holdBars(rows),
  };
  const text = `${JSON.stringify(report, null, 2)}\n`;
  const folder = resolve(import.meta.dirname, '..', '..', 'results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `grpc-js-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.json`);
  writeFileSync(file, text);
  const about = (name: string): string => EXPERIMENTS.get(name)?.about ?? '';
  process.stdout.write(options.output === 'json' ? text : `${renderReport(report, about)}\n`);
  process.stderr.write(`kept in ${file}\n`);
  return report.bars.every(({ holds }) => holds) ? 0 : 1;
}

function parseOptions(args: readonly string[]): SuiteOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true },
      rounds: { type: 'string', default: '31' },
      output: { type: 'string', short: 'o', default: 'table' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const { output, only = [...EXPERIMENTS.keys()] } = values;
  if (output !== 'table' && output !== 'json') throw new Error(`-o ${output}: must be table or json`);
  for (const name of only) {
    if (!EXPERIMENTS.has(name)) throw new Error(`--only ${name}: must be one of ${[...EXPERIMENTS.keys()].join(', ')}`);
  }
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1000) {
    throw new Error(`--rounds ${values.rounds}: must be a whole number from 1 to 1000`);
  }
  return { only, rounds, output };
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
