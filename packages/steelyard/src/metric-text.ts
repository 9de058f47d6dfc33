import type { HistogramReport } from './histogram.ts';

/** One metric as Prometheus knows it: several series that differ in their labels. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

export interface Sample<T> {
  /** In the order of the family's labels. */
  readonly labels: readonly string[];
  readonly value: T;
}

/** The one series of a family without labels. */
export function only<T>(value: T): Sample<T>[] {
  return [{ labels: [], value }];
}

/** Joins the samples that have the same labels: a series may stand in a family but once. */
export function joinSamples<T>(samples: readonly Sample<T>[], join: (values: readonly T[]) => T): Sample<T>[] {
  const series = new Map<string, { labels: readonly string[]; values: T[] }>();
  for (const { labels, value } of samples) {
    const key = JSON.stringify(labels);
    const known = series.get(key);
    if (known === undefined) series.set(key, { labels, values: [value] });
    else known.values.push(value);
  }
  return [...series.values()].map(({ labels, values }) => ({ labels, value: join(values) }));
}

/** A counter or gauge in Prometheus' text format 0.0.4; nothing when it has no samples. */
export function renderNumbers(family: MetricFamily, samples: readonly Sample<number>[]): string {
  if (samples.length === 0) return '';
  const lines = samples.map(({ labels, value }) => `${family.name}${renderLabels(family.labels, labels)} ${value}\n`);
  return renderHead(family) + lines.join('');
}

/** As {@link renderNumbers}, a histogram. */
export function renderHistogram(family: MetricFamily, samples: readonly Sample<HistogramReport>[]): string {
  if (samples.length === 0) return '';
  return renderHead(family) + samples.map(({ labels, value }) => renderReport(family, labels, value)).join('');
}

function renderReport({ name, labels }: MetricFamily, values: readonly string[], report: HistogramReport): string {
  const bucket = (le: string, count: number): string =>
    `${name}_bucket${renderLabels([...labels, 'le'], [...values, le])} ${count}\n`;
  const buckets = report.buckets.map(({ bound, count }) => bucket(String(bound), count));
  const own = renderLabels(labels, values);
  return `${buckets.join('')}${bucket('+Inf', report.count)}${name}_sum${own} ${report.sum}\n${name}_count${own} ${report.count}\n`;
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
