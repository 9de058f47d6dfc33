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

/** A histogram in seconds: how many values are at most each bound, bounds ascending. */
export interface SecondsReport {
  readonly buckets: readonly { readonly bound: number; readonly count: number }[];
  readonly count: number;
  readonly sum: number;
}

/** A counter or gauge in Prometheus' text format 0.0.4; nothing when it has no samples. */
export function renderNumbers(family: MetricFamily, samples: readonly Sample<number>[]): string {
  if (samples.length === 0) return '';
  const lines = samples.map(({ labels, value }) => `${family.name}${renderLabels(family.labels, labels)} ${value}\n`);
  return renderHead(family) + lines.join('');
}

export function renderSeconds(family: MetricFamily, samples: readonly Sample<SecondsReport>[]): string {
  if (samples.length === 0) return '';
  return renderHead(family) + samples.map(({ labels, value }) => renderReport(family, labels, value)).join('');
}

function renderReport({ name, labels }: MetricFamily, values: readonly string[], report: SecondsReport): string {
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

/** Values in seconds over fixed bounds, for what happens a few times a second at most. */
export class SecondsHistogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #count = 0;
  #sum = 0;

  /** @param bounds ascending, in seconds */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  record(seconds: number): void {
    this.#count++;
    this.#sum += seconds;
    const at = this.#bounds.findIndex((bound) => seconds <= bound);
    if (at >= 0) this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  report(): SecondsReport {
    let below = 0;
    const buckets = this.#bounds.map((bound, index) => {
      below += this.#counts[index] ?? 0;
      return { bound, count: below };
    });
    return { buckets, count: this.#count, sum: this.#sum };
  }
}
