export interface LatencyOptions {
  /** Time in which a past latency loses all but 1/e of its say. */
  readonly decayMs: number;
  /** What is assumed of an endpoint before its first call ends. */
  readonly initialMs: number;
  /** A failed call counts as one of this latency at least: failing fast must not look like being fast. */
  readonly failureMs: number;
}

/** Those of linkerd's proxy: 10 s, 30 ms, and 5 s for a failure. */
export const DEFAULT_LATENCY: LatencyOptions = { decayMs: 10_000, initialMs: 30, failureMs: 5000 };

/**
 * Peak-EWMA of one endpoint's latency: goes up at once, comes down slowly (Finagle's PeakEwma). Between calls it goes down
 * too, so an endpoint that was slow is tried again.
 */
export class LatencyEstimate {
  readonly #options: LatencyOptions;
  #valueMs: number;
  #at: number;

  constructor(options: LatencyOptions, nowMs: number) {
    this.#options = options;
    this.#valueMs = options.initialMs;
    this.#at = nowMs;
  }

  /** A call has ended after `latencyMs`. */
  observe(latencyMs: number, nowMs: number): void {
    if (!(latencyMs >= 0)) return;
    const keep = this.#decay(nowMs);
    this.#valueMs = latencyMs > this.#valueMs * keep ? latencyMs : this.#valueMs * keep + latencyMs * (1 - keep);
    this.#at = Math.max(this.#at, nowMs);
  }

  /** A call has failed after `latencyMs`, by the endpoint's fault. */
  observeFailure(latencyMs: number, nowMs: number): void {
    this.observe(Math.max(latencyMs, this.#options.failureMs), nowMs);
  }

  /** A call was given up after `latencyMs`: it would have taken at least that long. */
  observeAbandoned(latencyMs: number, nowMs: number): void {
    if (latencyMs > this.at(nowMs)) this.observe(latencyMs, nowMs);
  }

  /** Milliseconds. */
  at(nowMs: number): number {
    return this.#valueMs * this.#decay(nowMs);
  }

  #decay(nowMs: number): number {
    return Math.exp(-Math.max(0, nowMs - this.#at) / this.#options.decayMs);
  }
}
