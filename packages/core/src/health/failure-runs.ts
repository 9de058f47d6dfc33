import type { OutlierDetection } from '../model/traffic-policy.ts';
import type { AttemptOutcome } from './attempt-outcome.ts';

/** What of DestinationRule's `outlierDetection` is about failures in a row. */
export type RunLimits = Pick<
  OutlierDetection,
  | 'consecutive5xxErrors'
  | 'consecutiveGatewayErrors'
  | 'splitExternalLocalOriginErrors'
  | 'consecutiveLocalOriginFailures'
>;

/**
 * The failures in a row of one endpoint, as Envoy counts them (`DetectorHostMonitorImpl`): a gateway error is a server error
 * too, any other server error ends a run of gateway errors. Failures of local origin are gateway errors, unless they are
 * split from the others: then they have a run of their own, which any response ends.
 */
export class FailureRuns {
  #server = 0;
  #gateway = 0;
  #local = 0;

  /** True when a run has just reached its limit; the runs then begin anew. */
  record(outcome: AttemptOutcome, limits: RunLimits): boolean {
    switch (outcome) {
      case 'good':
        this.clear();
        return false;
      case 'none':
        return false;
      case 'overload':
        // It is alive, and that is all: no server error, and no success that would end a run of them.
        this.#local = 0;
        return false;
      case 'server':
        this.#local = 0;
        this.#gateway = 0;
        this.#server++;
        break;
      case 'gateway':
        this.#local = 0;
        this.#gateway++;
        this.#server++;
        break;
      case 'local':
        if (limits.splitExternalLocalOriginErrors) {
          this.#local++;
        } else {
          this.#gateway++;
          this.#server++;
        }
        break;
      default:
        return outcome satisfies never;
    }
    const isOver =
      isReached(this.#server, limits.consecutive5xxErrors) ||
      isReached(this.#gateway, limits.consecutiveGatewayErrors) ||
      isReached(this.#local, limits.consecutiveLocalOriginFailures);
    if (isOver) this.clear();
    return isOver;
  }

  clear(): void {
    this.#server = 0;
    this.#gateway = 0;
    this.#local = 0;
  }
}

/** A limit of 0 is none. */
function isReached(count: number, limit: number): boolean {
  return limit > 0 && count >= limit;
}
