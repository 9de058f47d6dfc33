import { spawn, spawnSync } from 'node:child_process';
import { release } from 'node:os';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { machineName, type Measurement, runMeasurement } from '../run-measurement.ts';
import { outputFormat, type OutputFormat, SUITE_OPTIONS, wholeNumber } from '../suite-options.ts';
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
  readonly output: OutputFormat;
}

const SUITE: Measurement<Options, RulesReport> = {
  name: 'service-rules',
  usage: USAGE,
  parseOptions,
  obstacle: () => (process.getuid?.() === 0 ? undefined : 'needs root, for network namespaces'),
  async measure(options) {
    const version = spawnSync('kube-proxy', ['--version'], { encoding: 'utf8' });
    const subjects = version.status === 0 ? SUBJECTS : (['steelyard'] as const);
    if (version.status !== 0) process.stderr.write('kube-proxy is not on the PATH: steelyard is measured alone\n');
    const results = await runAll(options, subjects);
    const rows = results.map(([job, runs]): Row => ({ ...job, runs }));
    return {
      versions: {
        node: process.versions.node,
        kernel: release(),
        ...(version.status === 0 && { 'kube-proxy': version.stdout.trim() }),
        nft: spawnSync('nft', ['--version'], { encoding: 'utf8' }).stdout.trim(),
        iptables: iptablesVersion(),
      },
      machine: machineName(),
      rows,
      bars: holdBars(rows),
    };
  },
  renderReport,
  holds: ({ bars }) => bars.every(({ holds }) => holds),
};

/** Exit 0 every bar holds, 1 one does not or a run has failed, 2 wrong usage or nothing to run. */
export function runSuite(args: readonly string[]): Promise<number> {
  return runMeasurement(SUITE, args);
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
      ...SUITE_OPTIONS,
      services: { type: 'string', default: '10000' },
      endpoints: { type: 'string', default: '10' },
      changes: { type: 'string', default: '7' },
      rounds: { type: 'string', default: '1' },
      mode: { type: 'string' },
    },
  });
  if (values.help) return 'help';
  const modes = MODES.filter((mode) => values.mode === undefined || values.mode === mode);
  if (modes.length === 0) throw new Error(`--mode ${values.mode}: must be ${MODES.join(' or ')}`);
  return {
    services: wholeNumber('--services', values.services, 200_000),
    endpoints: wholeNumber('--endpoints', values.endpoints, 1000),
    changes: wholeNumber('--changes', values.changes, 1000),
    rounds: wholeNumber('--rounds', values.rounds, 100),
    modes,
    output: outputFormat(values.output),
  };
}
