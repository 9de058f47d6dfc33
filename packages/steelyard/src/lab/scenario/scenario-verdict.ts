import { renderMs, renderPValue } from '../report/render-numbers.ts';
import type { CallerReport } from './scenario-report.ts';

/** What became of the new pods and of the calls, in a few plain sentences. */
export function renderCallerVerdict(report: Omit<CallerReport, 'verdict' | 'asExpected'>, limitMs: number): string {
  return [newPods(report, limitMs), failures(report), shares(report)].filter((text) => text !== '').join(' ');
}

function newPods({ caller, pods }: Pick<CallerReport, 'caller' | 'pods'>, limitMs: number): string {
  const took = pods.flatMap(({ firstCallAfterMs }) => (firstCallAfterMs === undefined ? [] : [firstCallAfterMs]));
  const reached = took.filter((ms) => ms !== null);
  const never = took.length - reached.length;
  if (never > 0) {
    const why =
      caller === 'grpc-js'
        ? ': grpc-js looks a name up again only after it has lost a connection, and not sooner than 30 s after the last time'
        : '';
    return `${never} of ${took.length} new pods never got a call${why}.`;
  }
  const slowest = Math.max(0, ...reached);
  const within = slowest <= limitMs ? '' : `, later than ${renderMs(limitMs)} (TTL and a second)`;
  return `Every new pod got its first call within ${renderMs(slowest)} of being named${within}.`;
}

function failures({ calls, errors, failures: reasons }: Pick<CallerReport, 'calls' | 'errors' | 'failures'>): string {
  if (errors === 0) return `None of ${calls} calls failed.`;
  const [most] = reasons;
  return `${errors} of ${calls} calls failed${most === undefined ? '' : `, most often with ${most.reason}`}.`;
}

function shares({ finalPValue, pods }: Pick<CallerReport, 'finalPValue' | 'pods'>): string {
  if (pods.every(({ callsPerSecond }) => callsPerSecond.slice(-2).every((calls) => calls === 0))) return '';
  return finalPValue > 0.001
    ? `In the last two seconds all pods had equal shares (${renderPValue(finalPValue)}).`
    : `In the last two seconds the shares were not equal (${renderPValue(finalPValue)}).`;
}
