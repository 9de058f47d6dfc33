import { type MetricFamily, renderHistogram, type Sample } from '../../metric-text.ts';
import { countOf, type LatencyReport, octaveCounts } from './metrics-histogram.ts';

/** A histogram of seconds, one bucket an octave. */
export function renderLatencies(family: MetricFamily, samples: readonly Sample<LatencyReport>[]): string {
  return renderHistogram(
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
