import { countOf, type HistogramReport, octaveCounts } from './metrics-histogram.ts';
import type { MetricFamily } from './metrics-names.ts';

export interface Sample<T> {
  /** In the order of the family's labels. */
  readonly labels: readonly string[];
  readonly value: T;
}

/** A counter or gauge in Prometheus' text format 0.0.4; nothing when it has no samples. */
export function renderNumbers(family: MetricFamily, samples: readonly Sample<number>[]): string {
  if (samples.length === 0) return '';
  const lines = samples.map(({ labels, value }) => `${family.name}${renderLabels(family.labels, labels)} ${value}\n`);
  return renderHead(family) + lines.join('');
}

/** A histogram of seconds. */
export function renderHistograms(family: MetricFamily, samples: readonly Sample<HistogramReport>[]): string {
  if (samples.length === 0) return '';
  const lines = samples.map(({ labels, value }) => renderHistogram(family, labels, value));
  return renderHead(family) + lines.join('');
}

function renderHistogram({ name, labels }: MetricFamily, values: readonly string[], report: HistogramReport): string {
  const total = countOf(report);
  const bucket = (le: string, count: number): string =>
    `${name}_bucket${renderLabels([...labels, 'le'], [...values, le])} ${count}\n`;
  const buckets = octaveCounts(report).map(({ beforeUs, count }) => bucket(String(beforeUs / 1e6), count));
  const own = renderLabels(labels, values);
  return `${buckets.join('')}${bucket('+Inf', total)}${name}_sum${own} ${report.sumUs / 1e6}\n${name}_count${own} ${total}\n`;
}

function renderHead({ name, type, help }: MetricFamily): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function renderLabels(names: readonly string[], values: readonly string[]): string {
  if (names.length === 0) return '';
  return `{${names.map((name, i) => `${name}="${escapeLabel(values[i] ?? '')}"`).join(',')}}`;
}

/** Backslash, quote and line feed are escaped, all else stands as it is. */
function escapeLabel(value: string): string {
  return value.replaceAll(/[\\"\n]/g, (special) => (special === '\n' ? String.raw`\n` : `\\${special}`));
}
