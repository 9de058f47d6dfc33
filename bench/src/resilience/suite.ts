import { parseArgs } from 'node:util';
import { subjectVersion } from '@steelyard/tools/peers';
import { machineName, type Measurement, runMeasurement } from '../run-measurement.ts';
import { numberBetween, outputFormat, type OutputFormat, SUITE_OPTIONS } from '../suite-options.ts';
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

interface Options {
  readonly seconds: number;
  readonly rounds: number;
  readonly output: OutputFormat;
}

const SUITE: Measurement<Options, ResilienceReport> = {
  name: 'resilience',
  usage: USAGE,
  parseOptions,
  measure,
  renderReport,
  holds: ({ bars }) => bars.every(({ holds }) => holds),
};

/** Exit 0 all bars hold; 1 one does not, or something could not be measured; 2 wrong usage. */
export function runSuite(args: readonly string[]): Promise<number> {
  return runMeasurement(SUITE, args);
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
    machine: machineName(),
    versions: { node: process.versions.node, ...(envoy !== undefined && { envoy }) },
    missing,
    faults,
    rollouts,
    bars: [...faultBars(faults), ...rolloutBars(rollouts)],
  };
}

function parseOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...SUITE_OPTIONS,
      seconds: { type: 'string', default: '6' },
      rounds: { type: 'string', default: '3' },
    },
  });
  if (values.help) return 'help';
  return {
    seconds: numberBetween('--seconds', values.seconds, 1, 600),
    rounds: Math.floor(numberBetween('--rounds', values.rounds, 1, 100)),
    output: outputFormat(values.output),
  };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
