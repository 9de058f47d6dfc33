/** One thing measured. */
export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: 'ms' | 'ns' | 'µs';
  /** At most; absent where there is none. */
  readonly bar?: number;
}

export interface CoreReport {
  readonly versions: { readonly node: string };
  readonly machine: string;
  readonly rows: readonly (Row & { readonly holds?: boolean })[];
}

export function withBars(rows: readonly Row[]): CoreReport['rows'] {
  return rows.map((row) => (row.bar === undefined ? row : { ...row, holds: row.value <= row.bar }));
}

export function renderReport({ rows, machine, versions }: CoreReport): string {
  const width = Math.max(...rows.map(({ what }) => what.length));
  const lines = rows.map(({ what, value, unit, bar, holds }) => {
    const number = value.toFixed(value < 10 ? 2 : 0).padStart(9);
    const verdict = bar === undefined ? '' : `  ${holds === true ? 'holds' : 'FAILS'}: at most ${bar} ${unit}`;
    return `${what.padEnd(width)} ${number} ${unit}${verdict}`;
  });
  return `core on ${machine}, Node ${versions.node}\n\n${lines.join('\n')}\n`;
}

/** The processor time of this process so far, garbage collection included: it does not grow when the machine is busy. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
