/** A histogram as it is now. Plain data: it goes between processes and sums with others of the same bounds. */
export interface HistogramReport {
  /** How many values are at most each bound, bounds ascending, as Prometheus counts them. */
  readonly buckets: readonly { readonly bound: number; readonly count: number }[];
  /** Those above all bounds, too. */
  readonly count: number;
  readonly sum: number;
}

/** Counts values over fixed bounds, at the cost of a few comparisons and additions. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** One more than there are bounds, for what is above all. */
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds ascending, in the unit of the values */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  record(value: number): void {
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] ?? 0)) at++;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  report(): HistogramReport {
    let count = 0;
    const buckets = this.#bounds.map((bound, index) => {
      count += this.#counts[index] ?? 0;
      return { bound, count };
    });
    return { buckets, count: count + (this.#counts[this.#bounds.length] ?? 0), sum: this.#sum };
  }
}

/** @param reports of the same bounds; of none, one without bounds and values */
export function mergeHistograms(reports: readonly HistogramReport[]): HistogramReport {
  const total = (read: (report: HistogramReport) => number): number => reports.reduce((sum, one) => sum + read(one), 0);
  return {
    buckets: (reports[0]?.buckets ?? []).map(({ bound }, index) => ({
      bound,
      count: total(({ buckets }) => buckets[index]?.count ?? 0),
    })),
    count: total(({ count }) => count),
    sum: total(({ sum }) => sum),
  };
}
