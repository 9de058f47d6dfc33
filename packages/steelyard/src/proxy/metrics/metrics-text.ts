import { type MetricFamily, renderSeconds, type Sample } from '../../metric-text.ts';
import { countOf, type HistogramReport, octaveCounts } from './metrics-histogram.ts';

/** A histogram of seconds, one bucket an octave. */
export function renderHistograms(family: MetricFamily, samples: readonly Sample<HistogramReport>[]): string {
  return renderSeconds(
    family,
    samples.map(({ labels, value }) => ({
      labels,
      value: {
        buckets: octaveCounts(value).map(({ beforeUs, count }) => ({ bound: beforeUs / 1e6, count })),
        count: countOf(value),
        sum: value.sumUs / 1e6,
      },
    })),
  );
}
