import { DEFAULT_LATENCY } from '@steelyard/core/balance';
import { DEFAULT_OUTLIER_DETECTION } from '@steelyard/core/health';
import { serviceConfigFor } from '@steelyard/grpc-js';
import { OK, openCaller, until, type Caller, type ServiceConfig } from './caller.ts';
import { loopbackAddresses, resolveTo } from './manual-resolver.ts';
import { quantile } from '../statistics.ts';
import type { Row } from './row.ts';

const PODS = 5;
const CALLS_PER_SECOND = 500;
const SECONDS = 4;
const WARM_UP_SECONDS = 1;

const PLAIN_OUTLIERS = {
  outlier_detection: {
    interval: { seconds: 1, nanos: 0 },
    failure_percentage_ejection: { minimum_hosts: 3, request_volume: 20 },
    child_policy: [{ round_robin: {} }],
  },
};

const plain = (name: string): ServiceConfig => ({ loadBalancingConfig: [{ [name]: {} }] });

/** Our policies and grpc-js's, as somebody would configure them who has read either guide. */
const SUBJECTS: readonly (readonly [string, ServiceConfig])[] = [
  ['pick_first', plain('pick_first')],
  ['round_robin', plain('round_robin')],
  ['weighted_round_robin', plain('weighted_round_robin')],
  ['outlier_detection', { loadBalancingConfig: [PLAIN_OUTLIERS] }],
  ['steelyard_round_robin, outlier', ours(serviceConfigFor({ kind: 'ROUND_ROBIN' }, outliers()))],
  ['steelyard_least_request', ours(serviceConfigFor({ kind: 'LEAST_REQUEST', choiceCount: 2 }))],
  ['steelyard_peak_ewma', ours(serviceConfigFor({ kind: 'PEAK_EWMA', latency: DEFAULT_LATENCY }))],
  ['steelyard_peak_ewma, outlier', ours(serviceConfigFor({ kind: 'PEAK_EWMA', latency: DEFAULT_LATENCY }, outliers()))],
];

function outliers(): Parameters<typeof serviceConfigFor>[1] {
  return { outlierDetection: { ...DEFAULT_OUTLIER_DETECTION, maxEjectionPercent: 20 } };
}

function ours(serviceConfig: string): ServiceConfig {
  return JSON.parse(serviceConfig);
}

/**
 * One of five pods is slow, or fails at once. Calls begin at a steady rate, whatever became of the ones before: what users see of
 * the pod is in the latency and the status of all.
 */
export async function measureFailing(experiment: string, port: number, say: (text: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [subject, config] of SUBJECTS) {
    const name = `${experiment} ${subject}`;
    // The misbehaving one is the third: pick_first is lucky.
    resolveTo(name, loopbackAddresses(PODS, port));
    const caller = openCaller(name, config);
    await until(async () => (await caller.call()) === OK, `${name}: a first call`);
    // What nobody can know yet, and what has to be compiled first, is over within a second.
    await drive(caller, WARM_UP_SECONDS);
    const lateBefore = caller.late();
    const { latencies, succeeded } = await drive(caller, SECONDS);
    const latePercent = (100 * (caller.late() - lateBefore)) / latencies.length;
    caller.client.close();
    say(`${experiment}: ${subject}`);
    rows.push({
      experiment,
      subject,
      figures: {
        p50Ms: quantile(latencies, 0.5),
        p99Ms: quantile(latencies, 0.99),
        ...(experiment === 'slow' && { latePercent }),
        successPercent: (100 * succeeded) / latencies.length,
      },
    });
  }
  return rows;
}

/** Calls that begin at a steady rate for so long; resolves when all have ended. */
async function drive(caller: Caller, seconds: number): Promise<{ latencies: readonly number[]; succeeded: number }> {
  const latencies: number[] = [];
  let succeeded = 0;
  const pending: Promise<void>[] = [];
  const calls = CALLS_PER_SECOND * seconds;
  const startedAt = performance.now();
  const one = async (): Promise<void> => {
    const begunAt = performance.now();
    const code = await caller.call();
    latencies.push(performance.now() - begunAt);
    if (code === OK) succeeded++;
  };
  while (pending.length < calls) {
    const due = Math.min(((performance.now() - startedAt) * CALLS_PER_SECOND) / 1000, calls);
    while (pending.length < due) pending.push(one());
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(pending);
  return { latencies, succeeded };
}
