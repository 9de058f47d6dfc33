/**
 * `npm run bench`: CPU time of the proxy process per unary call, ours beside each peer's, in the same run on the same machine.
 * Exit 0 done, 1 a subject failed, 2 wrong usage.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { spawnSync } from 'node:child_process';
import {
  freePort,
  startProcess,
  startSubject,
  subjectVersion,
  type RunningSubject,
  type SubjectName,
} from '@steelyard/tools/peers';
import { ratios, renderTable, summarise, type BenchReport, type Sample } from './bench-report.ts';
import { allowedCpus } from './cpu-time.ts';
import { measure, shapeName, type MeasureOptions, type Shape } from './measure.ts';
import { parseOptions, USAGE, type BenchOptions } from './options.ts';

/** Before each measurement, and once at length before the first: a compiler that optimises while it runs needs to have run. */
const WARM_UP_MS = 400;
const FIRST_WARM_UP_MS = 2500;

type Pin = (command: readonly string[]) => readonly string[];

/** One CPU for the subject, the others for load and backend, so that they do not push the subject around. */
function pinning(): { subject: Pin; others: Pin } {
  const [first, ...rest] = allowedCpus();
  if (first === undefined || rest.length === 0 || spawnSync('taskset', ['--version']).status !== 0) {
    say('one CPU, or no taskset: subject, load and backend share what there is');
    return { subject: (command) => command, others: (command) => command };
  }
  return {
    subject: (command) => ['taskset', '-c', String(first), ...command],
    others: (command) => ['taskset', '-c', rest.join(','), ...command],
  };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function sampleOf(
  round: number,
  subject: RunningSubject,
  shape: Shape,
  options: MeasureOptions,
): Promise<Sample> {
  const result = await measure(subject, shape, options);
  return {
    round,
    shape: shapeName(shape),
    subject: subject.name,
    cpuMicrosPerCall: result.cpuMicros / result.calls,
    callsPerSecond: (result.calls * 1000) / result.elapsedMs,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
  };
}

async function run(options: BenchOptions): Promise<BenchReport> {
  const pin = pinning();
  const backendPort = await freePort();
  const [command = process.execPath, ...args] = pin.others([
    process.execPath,
    join(import.meta.dirname, 'backend-main.js'),
    String(backendPort),
  ]);
  const backend = await startProcess('backend', command, args, backendPort);

  const versions: Record<string, string> = { node: process.versions.node };
  const missing: SubjectName[] = [];
  const subjects: RunningSubject[] = [];
  for (const name of options.subjects) {
    const version = subjectVersion(name);
    if (version === undefined) {
      missing.push(name);
      say(`${name}: not installed, left out`);
      continue;
    }
    versions[name] = version;
    subjects.push(await startSubject(name, backendPort, pin.subject));
    say(`${name} ${version}: started`);
  }
  if (subjects.length === 0) throw new Error('none of the subjects is installed');

  const timing = { warmUpMs: WARM_UP_MS, measureMs: options.seconds * 1000, pin: pin.others };
  for (const subject of subjects) {
    for (const shape of options.shapes) {
      await measure(subject, shape, {
        ...timing,
        warmUpMs: FIRST_WARM_UP_MS / options.shapes.length,
        measureMs: 100,
        seed: 1,
      });
    }
  }
  const samples: Sample[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const shape of options.shapes) {
      for (const subject of subjects) {
        const sample = await sampleOf(round, subject, shape, { ...timing, seed: round });
        samples.push(sample);
        say(
          `round ${round}/${options.rounds}  ${sample.shape.padEnd(6)} ${sample.subject.padEnd(10)} ` +
            `${sample.cpuMicrosPerCall.toFixed(2)} us CPU per call`,
        );
      }
    }
  }
  for (const subject of subjects) await subject.stop();
  await backend.stop();
  return {
    versions,
    machine: `${cpus()[0]?.model ?? 'unknown'} x ${cpus().length}`,
    missing,
    rounds: options.rounds,
    seconds: options.seconds,
    rows: summarise(samples),
    ratios: ratios(samples),
  };
}

function keep(report: BenchReport): string {
  const folder = resolve(import.meta.dirname, '..', 'results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${new Date().toISOString().replaceAll(/[:.]/g, '-')}.json`);
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  return file;
}

let options: BenchOptions | 'help';
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exit(2);
}
if (options === 'help') {
  process.stdout.write(USAGE);
} else if (process.platform !== 'linux') {
  process.stderr.write('bench: CPU time is read from /proc, which only Linux has\n');
  process.exitCode = 2;
} else {
  try {
    const report = await run(options);
    const file = keep(report);
    process.stdout.write(
      options.output === 'json' ? `${JSON.stringify(report, null, 2)}\n` : `${renderTable(report)}\n`,
    );
    if (report.missing.length > 0) say(`not installed, so not measured: ${report.missing.join(', ')}`);
    say(`kept in ${file}`);
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    // Ends what still runs, by the exit handler that startProcess has set.
    process.exit(1);
  }
}
