/** Buckets to an octave, so a quantile is off by at most one part in sixteen. */
const STEPS = 16;
/** The last octave ends at 2^31 us, which is 36 minutes; what takes longer counts there. */
const OCTAVES = 31;
const LONGEST_US = 2 ** OCTAVES - 1;
const BUCKETS = (OCTAVES - 3) * STEPS;

/** What is left of a histogram away from its process. */
export interface LatencyReport {
  /** Per bucket, see {@link bucketStart}. */
  readonly counts: Float64Array;
  readonly sumUs: number;
}

/**
 * Latencies in log-linear buckets (as HdrHistogram has them): a fixed array, nothing is allocated per value. Below 16 us
 * a bucket is one microsecond wide, above that a sixteenth of its octave.
 */
export class LatencyHistogram {
  readonly counts: Float64Array = new Float64Array(BUCKETS);
  sumUs = 0;

  record(us: number): void {
    const value = us < LONGEST_US ? us | 0 : LONGEST_US;
    const bucket = bucketOf(value < 0 ? 0 : value);
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sumUs += us;
  }

  add({ counts, sumUs }: LatencyReport): void {
    for (let i = 0; i < BUCKETS; i++) this.counts[i] = (this.counts[i] ?? 0) + (counts[i] ?? 0);
    this.sumUs += sumUs;
  }
}

/** @param us a whole number from 0 to 2^31 - 1. */
export function bucketOf(us: number): number {
  if (us < STEPS) return us;
  const octave = 31 - Math.clz32(us);
  return (octave - 3) * STEPS + ((us >>> (octave - 4)) & (STEPS - 1));
}

/** The least microsecond that counts in the bucket. */
export function bucketStart(bucket: number): number {
  if (bucket < STEPS) return bucket;
  const octave = Math.floor(bucket / STEPS) + 3;
  return (STEPS + (bucket % STEPS)) * 2 ** (octave - 4);
}

export function countOf({ counts }: LatencyReport): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

/** The values are at most this (the end of the bucket that the quantile falls in); `undefined` without any value. */
export function quantileUs(histogram: LatencyReport, quantile: number): number | undefined {
  const total = countOf(histogram);
  if (total === 0) return undefined;
  const rank = Math.max(1, Math.ceil(total * quantile));
  let seen = 0;
  for (const [bucket, count] of histogram.counts.entries()) {
    seen += count;
    if (seen >= rank) return bucketStart(bucket + 1);
  }
  return LONGEST_US;
}

/** First and last octave that are shown to Prometheus: 128 us to 134 s. */
const FIRST_SHOWN = 7;
const LAST_SHOWN = 27;

/**
 * Cumulative counts at octaves, which are edges of our own buckets and therefore exact: how many values were below
 * `beforeUs`. A value that is exactly on an edge counts above it.
 */
export function octaveCounts({ counts }: LatencyReport): { readonly beforeUs: number; readonly count: number }[] {
  const rows: { beforeUs: number; count: number }[] = [];
  let bucket = 0;
  let seen = 0;
  for (let octave = FIRST_SHOWN; octave <= LAST_SHOWN; octave++) {
    const edge = bucketOf(2 ** octave);
    while (bucket < edge) seen += counts[bucket++] ?? 0;
    rows.push({ beforeUs: 2 ** octave, count: seen });
  }
  return rows;
}
