import { renderPercent, renderPValue } from './render-numbers.ts';
import type { PodReport, WayReport } from './lab-report.ts';

/** One plain sentence on what was seen and why; where the spread is off, then the caveat. */
export function renderVerdict(report: Omit<WayReport, 'verdict'>, caveat?: string): string {
  switch (report.outcome) {
    case 'failing':
      return failing(report);
    case 'pinned':
      return pinned(report);
    case 'balanced':
      return balanced(report);
    case 'off':
      return caveat === undefined ? off(report) : `${off(report)} ${caveat}`;
    default:
      return unknownOutcome(report.outcome);
  }
}

function failing({ errors, calls, failures }: Omit<WayReport, 'verdict'>): string {
  const reason = failures[0] === undefined ? '' : `, most often with ${failures[0].reason}`;
  return `${errors} of ${calls} calls failed${reason}.`;
}

function pinned({ way, pods, calls }: Omit<WayReport, 'verdict'>): string {
  const busy = pods.find((pod) => pod.calls > 0)?.name ?? 'no pod';
  const idle = pods.filter((pod) => pod.calls === 0 && pod.expectedShare > 0).length;
  const idled = `${idle} other ${idle === 1 ? 'pod' : 'pods'} idled`;
  if (way !== 'service') return `Not balanced: all ${calls} calls landed on ${busy} while ${idled}.`;
  return (
    `One connection, one pod: all ${calls} calls landed on ${busy} while ${idled}, because the Service's rules choose ` +
    `a pod once per connection (${chances(pods)}) and gRPC keeps one connection for all its calls.`
  );
}

/** The exact probabilities of a new connection. */
function chances(pods: readonly PodReport[]): string {
  const shares = [...new Set(pods.filter((pod) => pod.expectedShare > 0).map((pod) => pod.expectedShare))];
  const [first = 0] = shares;
  const equal = shares.every((share) => Math.abs(share - first) < 1e-6);
  return equal ? `${renderPercent(first)} each` : shares.map(renderPercent).join(', ');
}

function balanced({ way, pods, pValue, balancedBy }: Omit<WayReport, 'verdict'>): string {
  if (pods.length === 1) return 'There is only one pod, and it has every call.';
  const p = renderPValue(pValue);
  if (way === 'service')
    return `Each pod's share fits the rules' probabilities (${p}), which one connection cannot do.`;
  return `Balanced call by call: each pod's share fits what ${balancedBy} promises (${p}).`;
}

function off({ pods, pValue }: Omit<WayReport, 'verdict'>): string {
  // As chi-square weighs them: a call where there may be none is worse than any excess elsewhere.
  const distance = (pod: PodReport): number =>
    pod.share === pod.expectedShare ? 0 : (pod.share - pod.expectedShare) ** 2 / pod.expectedShare;
  const worst = pods.toSorted((a, b) => distance(b) - distance(a))[0];
  if (worst === undefined) return 'There are no pods.';
  return (
    `The spread is off: ${worst.name} has ${renderPercent(worst.share)} of the calls where ` +
    `${renderPercent(worst.expectedShare)} was expected, which chance does not explain (${renderPValue(pValue)}).`
  );
}

function unknownOutcome(outcome: never): never {
  throw new RangeError(`there is no outcome ${JSON.stringify(outcome)}`);
}
