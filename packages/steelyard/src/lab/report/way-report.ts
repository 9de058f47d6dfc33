import { chiSquareTest } from '@steelyard/core/balance';
import type { Endpoint } from '@steelyard/core/model';
import type { Shares } from '../ways/expected-shares.ts';
import { podKey } from '../lab-target.ts';
import type { Outcome, PodReport, WayReport } from './lab-report.ts';
import type { CallsMeasured } from '../processes/messages.ts';
import { renderVerdict } from './verdict.ts';
import type { Way } from '../ways/way.ts';

export interface WayMeasurement {
  readonly way: Way;
  readonly pods: readonly Endpoint[];
  readonly expected: Shares;
  readonly balancedBy: string;
  readonly how: string;
  /** What a reader should know before blaming the balancing, as a sentence. */
  readonly caveat?: string;
  readonly measured: CallsMeasured;
}

/** A spread that chance would give less often than this is called off. */
const SIGNIFICANCE = 0.001;

export function reportWay({ way, pods, expected, balancedBy, how, caveat, measured }: WayMeasurement): WayReport {
  const { tally, latency, elapsedMs } = measured;
  const answered = tally.calls - tally.errors;
  const podReports = pods.map((pod): PodReport => {
    const calls = tally.callsByPod.get(podKey(pod)) ?? 0;
    return {
      name: pod.podName ?? podKey(pod),
      address: pod.address,
      port: pod.port,
      calls,
      share: answered === 0 ? 0 : calls / answered,
      expectedShare: expected.get(podKey(pod)) ?? 0,
    };
  });
  const { chiSquare, pValue } = chiSquareTest(
    podReports.map((pod) => pod.calls),
    podReports.map((pod) => pod.expectedShare),
  );
  const outcome = outcomeOf(tally.errors, podReports, pValue);
  const facts = {
    way,
    calls: tally.calls,
    errors: tally.errors,
    pods: podReports,
    chiSquare,
    pValue,
    outcome,
    asExpected: outcome === expectedOutcome(way, podReports),
    balancedBy,
    how,
    latency,
    callsPerSecond: elapsedMs === 0 ? 0 : (answered / elapsedMs) * 1000,
    failures: [...tally.callsByFailure]
      .map(([reason, calls]) => ({ reason, calls }))
      .toSorted((a, b) => b.calls - a.calls),
  };
  return { ...facts, verdict: renderVerdict(facts, caveat) };
}

function outcomeOf(errors: number, pods: readonly PodReport[], pValue: number): Outcome {
  if (errors > 0) return 'failing';
  const expectsSeveral = pods.filter((pod) => pod.expectedShare > 0).length > 1;
  if (expectsSeveral && pods.filter((pod) => pod.calls > 0).length === 1) return 'pinned';
  return pValue > SIGNIFICANCE ? 'balanced' : 'off';
}

/** A Service's rules choose once per connection (kube-proxy's nat chains see only a connection's first packet). */
function expectedOutcome(way: Way, pods: readonly PodReport[]): Outcome {
  return way === 'service' && pods.filter((pod) => pod.expectedShare > 0).length > 1 ? 'pinned' : 'balanced';
}
