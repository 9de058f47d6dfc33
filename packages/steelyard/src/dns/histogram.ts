/** A histogram as it is now; `counts` has one more than there are buckets, for what is above all. */
export interface HistogramReport {
  readonly buckets: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Powers of two from a quarter of a millisecond on, as CoreDNS has them (plugin.TimeBuckets). Seconds. */
export const TIME_BUCKETS: readonly number[] = Array.from({ length: 16 }, (_, index) => 0.00025 * 2 ** index);

/** Counts values by the first bucket whose upper bound they do not exceed. */
export class Histogram {
  readonly #buckets: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param buckets upper bounds, rising */
  constructor(buckets: readonly number[]) {
    this.#buckets = buckets;
    this.#counts = new Float64Array(buckets.length + 1);
  }

  add(value: number): void {
    let bucket = 0;
    while (bucket < this.#buckets.length && value > (this.#buckets[bucket] ?? 0)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  report(): HistogramReport {
    return { buckets: this.#buckets, counts: [...this.#counts], sum: this.#sum };
  }
}

/** Of the same buckets. */
export function mergeHistograms(reports: readonly HistogramReport[]): HistogramReport {
  const [first] = reports;
  const buckets = first?.buckets ?? [];
  const counts = Array.from({ length: buckets.length + 1 }, (_, index) =>
    reports.reduce((sum, report) => sum + (report.counts[index] ?? 0), 0),
  );
  return { buckets, counts, sum: reports.reduce((sum, report) => sum + report.sum, 0) };
}

/** In the text format of Prometheus. `labels` without braces, or empty. */
export function renderHistogram(name: string, labels: string, { buckets, counts, sum }: HistogramReport): string[] {
  const before = labels === '' ? '' : `${labels},`;
  const after = labels === '' ? '' : `{${labels}}`;
  let total = 0;
  const lines = buckets.map((bound, index) => {
    total += counts[index] ?? 0;
    return `${name}_bucket{${before}le="${bound}"} ${total}`;
  });
  total += counts[buckets.length] ?? 0;
  return [
    ...lines,
    `${name}_bucket{${before}le="+Inf"} ${total}`,
    `${name}_sum${after} ${sum}`,
    `${name}_count${after} ${total}`,
  ];
}
