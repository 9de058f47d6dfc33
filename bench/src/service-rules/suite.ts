import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join, resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { type Job, type JobResult, type Mode, MODES, type SubjectName, SUBJECTS } from './job.ts';
import { holdBars, renderReport, type Row, type RulesReport } from './report.ts';

const USAGE = `npm run bench -- service-rules [OPTIONS]   (as root: network namespaces are made for it)
  --services N      of 10 endpoints each (default: 10000)
  --endpoints N     of each Service (default: 10)
  --changes N       of one slice each, per run (default: 7)
  --rounds N        runs of each, interleaved; medians are reported (default: 1)
  --mode MODE       iptables | nftables (default: both)
  -o table|json     what is printed on standard output (default: table)
`;

interface Options {
  readonly services: number;
  readonly endpoints: number;
  readonly changes: number;
  readonly rounds: number;
  readonly modes: readonly Mode[];
  readonly output: 'table' | 'json';
}

/** Exit 0 every bar holds, 1 one does not or a run has failed, 2 wrong usage or nothing to run. */
export async function runSuite(args: readonly string[]): Promise<number> {
  let options: Options | 'help';
  try {
    options = parseOptions(args);
  } catch (error) {
    process.stderr.write(`bench service-rules: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (process.getuid?.() !== 0) {
    process.stderr.write('bench service-rules: needs root, for network namespaces\n');
    return 2;
  }
  const version = spawnSync('kube-proxy', ['--version'], { encoding: 'utf8' });
  const subjects = version.status === 0 ? SUBJECTS : (['steelyard'] as const);
  if (version.status !== 0) process.stderr.write('kube-proxy is not on the PATH: steelyard is measured alone\n');
  const results = await runAll(options, subjects);
  const rows = results.map(([job, runs]): Row => ({ ...job, runs }));
  const report: RulesReport = {
    versions: {
      node: process.versions.node,
      kernel: release(),
      ...(version.status === 0 && { 'kube-proxy': version.stdout.trim() }),
      nft: spawnSync('nft', ['--version'], { encoding: 'utf8' }).stdout.trim(),
      iptables: iptablesVersion(),
    },
    machine: `${cpus()[0]?.model ?? 'unknown'} x ${cpus().length}`,
    rows,
    bars: holdBars(rows),
  };
  const text = `${JSON.stringify(report, null, 2)}\n`;
  const folder = resolve(import.meta.dirname, '..', '..', 'results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `service-rules-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.json`);
  writeFileSync(file, text);
  process.stdout.write(options.output === 'json' ? text : renderReport(report));
  process.stderr.write(`kept in ${file}\n`);
  return report.bars.every(({ holds }) => holds) ? 0 : 1;
}

/** Of the one that is used. */
function iptablesVersion(): string {
  const [legacy, other] = ['iptables-legacy', 'iptables'].map((name) =>
    spawnSync(name, ['--version'], { encoding: 'utf8' }),
  );
  return (legacy?.status === 0 ? legacy : other)?.stdout.trim() ?? 'not installed';
}

async function runAll(
  { modes, rounds, services, endpoints, changes }: Options,
  subjects: readonly SubjectName[],
): Promise<[Job, JobResult[]][]> {
  const jobs = modes.flatMap((mode) =>
    subjects.map((subject): [Job, JobResult[]] => [{ subject, mode, services, endpoints, changes }, []]),
  );
  for (let round = 1; round <= rounds; round++) {
    for (const [job, runs] of jobs) {
      process.stderr.write(`round ${round} of ${rounds}: ${job.mode}, ${job.subject}\n`);
      runs.push(await runJob(job));
    }
  }
  return jobs;
}

async function runJob(job: Job): Promise<JobResult> {
  const runner = join(import.meta.dirname, 'run-main.js');
  const child = spawn('unshare', ['-n', process.execPath, runner, JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([readAll(child.stdout), readAll(child.stderr)]);
  if (stdout === '') throw new Error(`${job.subject}, ${job.mode}: ${stderr.slice(-2000)}`);
  const result: JobResult = JSON.parse(stdout);
  return result;
}

function parseOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      services: { type: 'string', default: '10000' },
      endpoints: { type: 'string', default: '10' },
      changes: { type: 'string', default: '7' },
      rounds: { type: 'string', default: '1' },
      mode: { type: 'string' },
      output: { type: 'string', short: 'o', default: 'table' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const { output } = values;
  const modes = MODES.filter((mode) => values.mode === undefined || values.mode === mode);
  if (modes.length === 0) throw new Error(`--mode ${values.mode}: must be ${MODES.join(' or ')}`);
  if (output !== 'table' && output !== 'json') throw new Error(`-o ${output}: must be table or json`);
  return {
    services: wholeNumber('--services', values.services, 200_000),
    endpoints: wholeNumber('--endpoints', values.endpoints, 1000),
    changes: wholeNumber('--changes', values.changes, 1000),
    rounds: wholeNumber('--rounds', values.rounds, 100),
    modes,
    output,
  };
}

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > most) {
    throw new Error(`${name} ${text}: must be a whole number from 1 to ${most}`);
  }
  return value;
}
