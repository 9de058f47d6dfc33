import { quantile } from '../statistics.ts';
import type { Fault } from './pod-messages.ts';
import type { Pods } from './pods.ts';
import { type LoadResult, startLoad } from './load.ts';
import { type SubjectKind, subjectName } from './subject-kind.ts';
import { startSubject } from './subjects.ts';

/** One subject, while one of five pods has a fault. */
export interface FaultRun {
  readonly fault: Fault;
  readonly subject: string;
  readonly calls: number;
  readonly successPercent: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** p99 of how late the load's timers were: the machine's part in the latencies. */
  readonly lagMs: number;
  /** Of all calls, those that went to the pod with the fault. */
  readonly sickPercent: number;
}

/** To each subject. */
const CALLS_PER_SECOND = 250;
const WARM_UP_MS = 2000;

/**
 * All subjects at the same time, each with calls of its own to the same pods: whatever else the machine does meets all of
 * them. The fault begins when it is measured, and is over afterwards.
 */
export async function measureFault(
  pods: Pods,
  ports: readonly number[],
  kinds: readonly SubjectKind[],
  fault: Fault,
  ms: number,
): Promise<FaultRun[]> {
  const [sick = 0] = ports;
  const subjects = await Promise.all(
    kinds.map(async (kind) => {
      const subject = await startSubject(kind, ports);
      return { name: subjectName(kind), subject, load: startLoad(subject.port, CALLS_PER_SECOND) };
    }),
  );
  await Promise.all(subjects.map(({ load }) => load.measure(WARM_UP_MS)));
  pods.setFault(sick, fault);
  const runs = await Promise.all(
    subjects.map(async ({ name, load }) => runOf(name, fault, sick, await load.measure(ms))),
  );
  pods.setFault(sick, 'none');
  for (const { subject, load } of subjects) {
    await load.stop();
    await subject.stop();
  }
  return runs;
}

function runOf(subject: string, fault: Fault, sick: number, { calls, latencies, lags, byPod }: LoadResult): FaultRun {
  return {
    fault,
    subject,
    calls,
    successPercent: (100 * latencies.length) / calls,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    lagMs: quantile(lags, 0.99),
    sickPercent: (100 * (byPod.get(sick) ?? 0)) / calls,
  };
}
