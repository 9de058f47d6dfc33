import type { Latency } from './load-command.ts';

/** 20 buckets per doubling: a quantile is at most 3.5 % above the true one. */
const PER_DOUBLING = 20;
/** The first bucket ends here; everything faster counts as this. */
const LEAST_MS = 0.001;
const BUCKETS = PER_DOUBLING * 24;

/** Latencies from a microsecond to about 16 seconds, in constant space. */
export class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  #total = 0;
  #most = 0;

  record(ms: number): void {
    const bucket = ms <= LEAST_MS ? 0 : Math.ceil(Math.log2(ms / LEAST_MS) * PER_DOUBLING);
    const index = Math.min(bucket, BUCKETS - 1);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#total++;
    if (ms > this.#most) this.#most = ms;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
    this.#most = 0;
  }

  /** Upper bound of the bucket that holds quantile `q` of 0–1, in ms; NaN when nothing was recorded. */
  quantile(q: number): number {
    if (this.#total === 0) return NaN;
    let rest = Math.max(1, q * this.#total);
    for (let index = 0; index < BUCKETS; index++) {
      rest -= this.#counts[index] ?? 0;
      if (rest <= 0) return LEAST_MS * 2 ** (index / PER_DOUBLING);
    }
    return LEAST_MS * 2 ** ((BUCKETS - 1) / PER_DOUBLING);
  }

  /** Null when nothing was recorded. */
  summary(): Latency | null {
    if (this.#total === 0) return null;
    return {
      p50Ms: this.quantile(0.5),
      p99Ms: this.quantile(0.99),
      p999Ms: this.quantile(0.999),
      mostMs: this.#most,
    };
  }
}
