import type { Random } from '../balance/picker.ts';

export interface RateEjection {
  /** 0 to 100: how likely an outlier is ejected. */
  readonly enforcementPercentage: number;
  /** So many endpoints must have had `requestVolume` calls in the interval, or nobody is judged by this. */
  readonly minimumHosts: number;
  readonly requestVolume: number;
}

/** gRFC A50's settings, and consecutive failures as Envoy has them. Each way of judging is on where it is set. */
export interface OutlierDetectionOptions {
  readonly intervalMs: number;
  /** The first ejection takes so long, the nth n times that. */
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  /** 0 to 100, of all endpoints. One may always be ejected, unless it is 0. */
  readonly maxEjectionPercent: number;
  /**
   * The share is held once an ejection is counted, and at 100 all may go (Envoy since 1.27). Else it is compared before, and
   * the last one stays (gRFC A50).
   */
  readonly strict?: boolean;
  /** Ejected at once after so many failures in a row. */
  readonly consecutiveFailures?: number;
  /** Success rate below mean − stdev × `stdevFactor` / 1000. */
  readonly successRate?: RateEjection & { readonly stdevFactor: number };
  /** More than `threshold` percent failed. */
  readonly failurePercentage?: RateEjection & { readonly threshold: number };
}

/** gRFC A50's defaults, judging by five failures in a row (Envoy's `consecutive_gateway_failure`). */
export const DEFAULT_OUTLIER_DETECTION: OutlierDetectionOptions = {
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectionPercent: 10,
  consecutiveFailures: 5,
};

/** What is known of one endpoint. Belongs to the endpoint and outlives the detector's rounds. */
export class EndpointHealth {
  successes = 0;
  failures = 0;
  failuresInARow = 0;
  /** Undefined while it takes calls. */
  ejectedAtMs: number | undefined;
  /** How often it was ejected lately; goes down with each quiet interval. */
  multiplier = 0;
  /** How often it was ejected ever. */
  ejections = 0;
}

/**
 * Finds endpoints that fail more than the others and takes them out for a while (gRFC A50). Holds no timer: `sweep` is to
 * be called every `intervalMs`. What counts as a failure is the caller's to say; statuses that are the client's own fault
 * (NOT_FOUND, INVALID_ARGUMENT) say nothing about an endpoint.
 */
export class OutlierDetector {
  readonly #options: OutlierDetectionOptions;
  readonly #random: Random;
  readonly #endpoints = new Set<EndpointHealth>();
  #ejected = 0;

  constructor(options: OutlierDetectionOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  add(endpoint: EndpointHealth): void {
    if (this.#endpoints.has(endpoint)) return;
    this.#endpoints.add(endpoint);
    if (endpoint.ejectedAtMs !== undefined) this.#ejected++;
  }

  delete(endpoint: EndpointHealth): void {
    if (this.#endpoints.delete(endpoint) && endpoint.ejectedAtMs !== undefined) this.#ejected--;
  }

  /** Counts a call that has ended, for the judgement by rates. */
  count(endpoint: EndpointHealth, failed: boolean): void {
    if (failed) endpoint.failures++;
    else endpoint.successes++;
  }

  /** Counts a call that has ended. True when its endpoint is ejected for it, now. */
  record(endpoint: EndpointHealth, failed: boolean, nowMs: number): boolean {
    this.count(endpoint, failed);
    if (!failed) {
      endpoint.failuresInARow = 0;
      return false;
    }
    endpoint.failuresInARow++;
    const { consecutiveFailures } = this.#options;
    if (consecutiveFailures === undefined || endpoint.failuresInARow < consecutiveFailures) return false;
    endpoint.failuresInARow = 0;
    return this.eject(endpoint, nowMs);
  }

  /** Ejects an endpoint for reasons of the caller's, unless too many are. True when it is ejected for it, now. */
  eject(endpoint: EndpointHealth, nowMs: number): boolean {
    return this.#endpoints.has(endpoint) && this.#eject(endpoint, 100, nowMs);
  }

  /** Lets an endpoint back in before its time. True when it was ejected. */
  readmit(endpoint: EndpointHealth): boolean {
    if (endpoint.ejectedAtMs === undefined) return false;
    endpoint.ejectedAtMs = undefined;
    endpoint.failuresInARow = 0;
    if (this.#endpoints.has(endpoint)) this.#ejected--;
    return true;
  }

  /** Judges the interval that ends now, and lets back in whose time is over. True when any went or came. */
  sweep(nowMs: number): boolean {
    const judged = [...this.#endpoints].filter((endpoint) => endpoint.ejectedAtMs === undefined);
    const { successRate, failurePercentage } = this.#options;
    let changed = false;
    if (successRate !== undefined) {
      for (const endpoint of successRateOutliers(judged, successRate)) {
        if (this.#eject(endpoint, successRate.enforcementPercentage, nowMs)) changed = true;
      }
    }
    if (failurePercentage !== undefined) {
      for (const endpoint of failureOutliers(judged, failurePercentage)) {
        if (this.#eject(endpoint, failurePercentage.enforcementPercentage, nowMs)) changed = true;
      }
    }
    for (const endpoint of this.#endpoints) {
      endpoint.successes = 0;
      endpoint.failures = 0;
      if (endpoint.ejectedAtMs === undefined) {
        if (endpoint.multiplier > 0) endpoint.multiplier--;
      } else if (nowMs >= endpoint.ejectedAtMs + this.#ejectionMs(endpoint)) {
        this.readmit(endpoint);
        changed = true;
      }
    }
    return changed;
  }

  #ejectionMs({ multiplier }: EndpointHealth): number {
    const { baseEjectionMs, maxEjectionMs } = this.#options;
    return Math.min(baseEjectionMs * multiplier, Math.max(baseEjectionMs, maxEjectionMs));
  }

  #eject(endpoint: EndpointHealth, enforcementPercentage: number, nowMs: number): boolean {
    if (endpoint.ejectedAtMs !== undefined) return false;
    if (!this.#mayEject()) return false;
    if (this.#random() * 100 >= enforcementPercentage) return false;
    endpoint.ejectedAtMs = nowMs;
    endpoint.ejections++;
    endpoint.multiplier++;
    this.#ejected++;
    return true;
  }

  #mayEject(): boolean {
    const { maxEjectionPercent, strict = false } = this.#options;
    const most = (maxEjectionPercent * this.#endpoints.size) / 100;
    if (strict) return maxEjectionPercent === 100 || this.#ejected + 1 <= (most > 0 ? Math.max(1, most) : 0);
    // A50: compared before this one is counted, so one may go whatever the number of endpoints; never the last.
    return this.#ejected < most && this.#endpoints.size - this.#ejected >= 2;
  }
}

const callsOf = ({ successes, failures }: EndpointHealth): number => successes + failures;

function successRateOutliers(
  endpoints: readonly EndpointHealth[],
  { minimumHosts, requestVolume, stdevFactor }: RateEjection & { readonly stdevFactor: number },
): readonly EndpointHealth[] {
  const busy = endpoints.filter((endpoint) => callsOf(endpoint) >= Math.max(1, requestVolume));
  if (busy.length < Math.max(1, minimumHosts)) return [];
  const rate = (endpoint: EndpointHealth): number => endpoint.successes / callsOf(endpoint);
  const mean = busy.reduce((sum, endpoint) => sum + rate(endpoint), 0) / busy.length;
  const variance = busy.reduce((sum, endpoint) => sum + (rate(endpoint) - mean) ** 2, 0) / busy.length;
  const least = mean - Math.sqrt(variance) * (stdevFactor / 1000);
  return busy.filter((endpoint) => rate(endpoint) < least);
}

function failureOutliers(
  endpoints: readonly EndpointHealth[],
  { minimumHosts, requestVolume, threshold }: RateEjection & { readonly threshold: number },
): readonly EndpointHealth[] {
  const busy = endpoints.filter((endpoint) => callsOf(endpoint) >= Math.max(1, requestVolume));
  if (busy.length < Math.max(1, minimumHosts)) return [];
  return busy.filter((endpoint) => (endpoint.failures / callsOf(endpoint)) * 100 > threshold);
}
