import { chiSquareTest } from '@steelyard/core/balance';
import type { Endpoint } from '@steelyard/core/model';
import { podKey } from '../lab-target.ts';
import type { CallBucket } from '../processes/messages.ts';
import type { Scenario } from './scenario.ts';
import { renderCallerVerdict } from './scenario-verdict.ts';

export type ScenarioCaller = 'steelyard' | 'grpc-js';

export interface ScenarioPod {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Came while the callers called. */
  readonly fresh: boolean;
  /** Of each second after the beginning. */
  readonly callsPerSecond: readonly number[];
  /** From the moment that DNS named it to its first answer; `null`: never. Only of fresh ones. */
  readonly firstCallAfterMs?: number | null;
}

export interface CallerReport {
  readonly caller: ScenarioCaller;
  /** Its policy, as it calls it itself. */
  readonly policy: string;
  readonly calls: number;
  readonly errors: number;
  readonly pods: readonly ScenarioPod[];
  readonly errorsPerSecond: readonly number[];
  readonly failures: readonly { readonly reason: string; readonly calls: number }[];
  /** Do the shares of the last two seconds fit equal ones over the pods that are there then? */
  readonly finalPValue: number;
  readonly verdict: string;
  /** What the library promises; of grpc-js as it comes nothing is promised. */
  readonly asExpected: boolean;
}

/** Field names are a contract: scripts read them. */
export interface ScenarioReport {
  readonly scenario: Scenario;
  readonly way: 'headless';
  /** `namespace/name` of the headless Service. */
  readonly service: string;
  readonly ttlSeconds: number;
  readonly callsPerSecond: number;
  readonly seed: number;
  readonly steps: readonly {
    readonly atMs: number;
    readonly added: readonly string[];
    readonly removed: readonly string[];
  }[];
  readonly callers: readonly CallerReport[];
}

/** What a caller saw, and when the pods it saw came and went. */
export interface CallerRecord {
  readonly caller: ScenarioCaller;
  readonly policy: string;
  readonly buckets: readonly CallBucket[];
  readonly firstAnswerMs: ReadonlyMap<string, number>;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly old: readonly Endpoint[];
  readonly fresh: readonly Endpoint[];
  /** When each came, by its `ip:port`; the old ones are not in it. */
  readonly addedMs: ReadonlyMap<string, number>;
  readonly removed: ReadonlySet<string>;
  readonly ttlMs: number;
}

const GRACE_MS = 1000;
const FINAL_MS = 2000;
const ENOUGH = 0.001;

export function reportCaller(record: CallerRecord): CallerReport {
  const { caller, policy, startedMs, endedMs, old, fresh, addedMs, firstAnswerMs } = record;
  // The end is a moment late: what ends in it belongs to the last second.
  const seconds = Math.max(1, Math.round((endedMs - startedMs) / 1000));
  const buckets = record.buckets.filter(({ startMs }) => startMs >= startedMs && startMs < endedMs);
  const perSecond = (count: (bucket: CallBucket) => number): number[] => {
    const counts = Array.from({ length: seconds }, () => 0);
    for (const bucket of buckets) {
      const second = Math.min(seconds - 1, Math.floor((bucket.startMs - startedMs) / 1000));
      counts[second] = (counts[second] ?? 0) + count(bucket);
    }
    return counts;
  };
  const pods = [...old, ...fresh].map((pod): ScenarioPod => {
    const key = podKey(pod);
    const callsPerSecond = perSecond(({ callsByPod }) => callsByPod.get(key) ?? 0);
    const { address, port, podName = key } = pod;
    const known = { name: podName, address, port, fresh: fresh.includes(pod), callsPerSecond };
    const cameMs = addedMs.get(key);
    if (cameMs === undefined) return known;
    const firstMs = firstAnswerMs.get(key);
    return { ...known, firstCallAfterMs: firstMs === undefined ? null : Math.max(0, Math.round(firstMs - cameMs)) };
  });
  const failures = new Map<string, number>();
  for (const { callsByFailure } of buckets) {
    for (const [reason, calls] of callsByFailure) failures.set(reason, (failures.get(reason) ?? 0) + calls);
  }
  const errorsPerSecond = perSecond(({ callsByFailure }) => sum([...callsByFailure.values()]));
  const errors = sum(errorsPerSecond);
  const report = {
    caller,
    policy,
    calls: errors + sum(pods.flatMap(({ callsPerSecond }) => callsPerSecond)),
    errors,
    pods,
    errorsPerSecond,
    failures: [...failures].map(([reason, calls]) => ({ reason, calls })).toSorted((a, b) => b.calls - a.calls),
    finalPValue: finalPValue(record),
  };
  const asExpected =
    caller === 'grpc-js' || (errors === 0 && report.finalPValue > ENOUGH && pods.every((pod) => isTimely(pod, record)));
  return { ...report, asExpected, verdict: renderCallerVerdict(report, record.ttlMs + GRACE_MS) };
}

function isTimely({ firstCallAfterMs }: ScenarioPod, { ttlMs }: CallerRecord): boolean {
  if (firstCallAfterMs === undefined) return true;
  return firstCallAfterMs !== null && firstCallAfterMs <= ttlMs + GRACE_MS;
}

/** 1 where nothing was answered: then the errors speak. */
function finalPValue({ buckets, endedMs, old, fresh, removed }: CallerRecord): number {
  const last = buckets.filter(({ startMs }) => startMs >= endedMs - FINAL_MS && startMs < endedMs);
  const left = [...old, ...fresh].map(podKey).filter((key) => !removed.has(key));
  const counts = left.map((key) => sum(last.map(({ callsByPod }) => callsByPod.get(key) ?? 0)));
  const shares = left.map(() => 1);
  return chiSquareTest(counts, shares).pValue;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function isScenarioAsExpected(report: ScenarioReport): boolean {
  return report.callers.every((caller) => caller.asExpected);
}
