/** What a backend says about its load (ORCA, gRFC A51), as far as a weight follows from it. */
export interface LoadReport {
  /** Calls a second. */
  readonly requestsPerSecond: number;
  /** Failed ones of them. */
  readonly errorsPerSecond: number;
  /** Of the application, or else of the CPU: 1 is all it has; may be above. */
  readonly utilization: number;
}

export interface BackendWeightOptions {
  /** A weight counts only after reports have come for so long: the first ones are of a backend that warms up. */
  readonly blackoutPeriodMs: number;
  /** Without a report for so long, the weight is forgotten. */
  readonly weightExpirationPeriodMs: number;
  /** How much the share of failed calls adds to the utilization. */
  readonly errorUtilizationPenalty: number;
}

/** The weight of one endpoint, from its reports (gRFC A58, "Weight calculation"). */
export class BackendWeight {
  #weight = 0;
  #reportedSince: number | undefined;
  #reportedAt = -Infinity;

  /** A report without load or without utilization says nothing about capacity and is passed over (gRFC A58). */
  report(report: LoadReport, options: BackendWeightOptions, nowMs: number): void {
    const { requestsPerSecond, errorsPerSecond, utilization } = report;
    if (!(requestsPerSecond > 0) || !(utilization > 0)) return;
    const penalty = errorsPerSecond > 0 ? (errorsPerSecond / requestsPerSecond) * options.errorUtilizationPenalty : 0;
    const weight = requestsPerSecond / (utilization + penalty);
    if (!Number.isFinite(weight) || weight <= 0) return;
    this.#weight = weight;
    this.#reportedSince ??= nowMs;
    this.#reportedAt = nowMs;
  }

  /** Calls a second at full use; 0 while there is no weight to go by. */
  at(options: BackendWeightOptions, nowMs: number): number {
    if (this.#reportedSince === undefined) return 0;
    if (nowMs - this.#reportedAt >= options.weightExpirationPeriodMs) {
      this.#reportedSince = undefined;
      return 0;
    }
    return nowMs - this.#reportedSince < options.blackoutPeriodMs ? 0 : this.#weight;
  }

  /** There was a report, but too long ago to go by (gRFC A78 counts such endpoints). */
  isStale({ weightExpirationPeriodMs }: BackendWeightOptions, nowMs: number): boolean {
    return this.#reportedAt > -Infinity && nowMs - this.#reportedAt >= weightExpirationPeriodMs;
  }

  /** After a new connection the backend may be another one: begins anew. */
  forget(): void {
    this.#reportedSince = undefined;
    this.#reportedAt = -Infinity;
  }
}
