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
    this.#endpoints.add(endpoint);
    if (endpoint.ejectedAtMs !== undefined) this.#ejected++;
  }

  delete(endpoint: EndpointHealth): void {
    if (this.#endpoints.delete(endpoint) && endpoint.ejectedAtMs !== undefined) this.#ejected--;
  }

  /** Counts a call that has ended. True when its endpoint is ejected for it, now. */
  record(endpoint: EndpointHealth, failed: boolean, nowMs: number): boolean {
    if (!failed) {
      endpoint.successes++;
      endpoint.failuresInARow = 0;
      return false;
    }
    endpoint.failures++;
    endpoint.failuresInARow++;
    const { consecutiveFailures } = this.#options;
    if (consecutiveFailures === undefined || endpoint.failuresInARow < consecutiveFailures) return false;
    endpoint.failuresInARow = 0;
    return this.#endpoints.has(endpoint) && this.#eject(endpoint, 100, nowMs);
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
        endpoint.ejectedAtMs = undefined;
        endpoint.failuresInARow = 0;
        this.#ejected--;
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
    // A50: compared before this one is counted, so one may go whatever the number of endpoints; never the last.
    if (this.#ejected * 100 >= this.#options.maxEjectionPercent * this.#endpoints.size) return false;
    if (this.#endpoints.size - this.#ejected < 2) return false;
    if (this.#random() * 100 >= enforcementPercentage) return false;
    endpoint.ejectedAtMs = nowMs;
    endpoint.multiplier++;
    this.#ejected++;
    return true;
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
