import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { subjectVersion } from '@steelyard/tools/peers';
import { type FaultRun, measureFault } from './faults.ts';
import type { Fault } from './pod-messages.ts';
import { startPods } from './pods.ts';
import { faultBars, renderReport, type ResilienceReport, rolloutBars, sumUpFaults } from './report.ts';
import { measureRollout, type RolloutRun } from './rollout.ts';
import type { SubjectKind } from './subject-kind.ts';

const USAGE = `npm run bench -- resilience [OPTIONS]
  --seconds N     measured time with each fault (default: 6)
  --rounds N      rounds; medians over them are reported (default: 3)
  -o table|json   what is printed on standard output (default: table)
`;

const PODS = 5;
const FAULTS: readonly Fault[] = ['late', 'unavailable', 'exhausted'];

const SUBJECTS: readonly SubjectKind[] = [
  { proxy: 'envoy', policy: 'LEAST_REQUEST', terms: false, retries: false },
  { proxy: 'steelyard', policy: 'LEAST_REQUEST', terms: false, retries: false },
  { proxy: 'envoy', policy: 'ROUND_ROBIN', terms: false, retries: false },
  { proxy: 'steelyard', policy: 'ROUND_ROBIN', terms: false, retries: false },
  { proxy: 'steelyard', policy: 'LEAST_REQUEST', terms: true, retries: false },
];

/** Exit 0 all bars hold; 1 one does not, or something could not be measured; 2 wrong usage. */
export async function runSuite(args: readonly string[]): Promise<number> {
  let options: Options | undefined;
  try {
    options = parseOptions(args);
  } catch (error) {
    say(`bench: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(USAGE);
    return 0;
  }
  const report = await measure(options);
  process.stdout.write(options.output === 'json' ? `${JSON.stringify(report, null, 2)}\n` : renderReport(report));
  say(`kept in ${keep(report)}`);
  return report.bars.every(({ holds }) => holds) ? 0 : 1;
}

async function measure({ seconds, rounds }: Options): Promise<ResilienceReport> {
  const envoy = subjectVersion('envoy');
  const missing = envoy === undefined ? ['envoy'] : [];
  if (envoy === undefined) say('envoy: not installed, left out');
  const subjects = SUBJECTS.filter(({ proxy }) => !missing.includes(proxy));
  const pods = startPods();
  const ports = await Promise.all(Array.from({ length: PODS }, () => pods.start()));
  const runs: FaultRun[] = [];
  const rollouts: RolloutRun[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const fault of FAULTS) {
      for (const run of await measureFault(pods, ports, subjects, fault, seconds * 1000)) {
        runs.push(run);
        say(
          `round ${round}/${rounds}  ${fault.padEnd(11)}  ${run.subject.padEnd(26)}  ` +
            `${run.successPercent.toFixed(2)} % OK, p99 ${run.p99Ms.toFixed(1)} ms`,
        );
      }
    }
  }
  for (const proxy of ['envoy', 'steelyard'] as const) {
    if (missing.includes(proxy)) continue;
    const run = await measureRollout(pods, proxy, PODS);
    rollouts.push(run);
    say(`rollout  ${proxy}  ${JSON.stringify(run.failures)} failed of ${run.calls}, ${run.streamsLost} streams lost`);
  }
  await pods.stop();
  const faults = sumUpFaults(runs);
  return {
    date: new Date().toISOString(),
    machine: `${cpus()[0]?.model ?? 'unknown'} x ${cpus().length}`,
    versions: { node: process.versions.node, ...(envoy !== undefined && { envoy }) },
    missing,
    faults,
    rollouts,
    bars: [...faultBars(faults), ...rolloutBars(rollouts)],
  };
}

interface Options {
  readonly seconds: number;
  readonly rounds: number;
  readonly output: 'table' | 'json';
}

/** Throws a one-sentence error for a wrong option; `undefined` when help is asked for. */
function parseOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '6' },
      rounds: { type: 'string', default: '3' },
      output: { type: 'string', short: 'o', default: 'table' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const { output } = values;
  if (output !== 'table' && output !== 'json') throw new Error(`-o ${output}: must be table or json`);
  return {
    seconds: numberOf('--seconds', values.seconds, 1, 600),
    rounds: Math.floor(numberOf('--rounds', values.rounds, 1, 100)),
    output,
  };
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!(value >= least && value <= most)) throw new Error(`${name} ${text}: must be a number from ${least} to ${most}`);
  return value;
}

/** Not in version control. Returns the path. */
function keep(report: ResilienceReport): string {
  const folder = resolve(import.meta.dirname, '..', '..', 'results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `resilience-${report.date.replaceAll(/[:.]/g, '-')}.json`);
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  return file;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
