/** What the proxy has ended since the peers of one side broke a rule, by name of the error code (RFC 9113 §7); plain data. */
export interface FaultCounts {
  readonly connections: Map<string, number>;
  /** Calls, while their connection went on. */
  readonly streams: Map<string, number>;
}

export interface FaultReport {
  readonly downstream: FaultCounts;
  readonly upstream: FaultCounts;
}

export function createFaultCounts(): FaultCounts {
  return { connections: new Map(), streams: new Map() };
}

export const NO_FAULTS: FaultReport = { downstream: createFaultCounts(), upstream: createFaultCounts() };

export function countFault(counts: Map<string, number>, code: string, count = 1): void {
  counts.set(code, (counts.get(code) ?? 0) + count);
}

/** The sum, which shares nothing with its parts. */
export function mergeFaults(reports: readonly FaultReport[]): FaultReport {
  const side = (of: (report: FaultReport) => FaultCounts): FaultCounts => ({
    connections: sum(reports.map((report) => of(report).connections)),
    streams: sum(reports.map((report) => of(report).streams)),
  });
  return { downstream: side(({ downstream }) => downstream), upstream: side(({ upstream }) => upstream) };
}

function sum(parts: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const total = new Map<string, number>();
  for (const part of parts) for (const [code, count] of part) countFault(total, code, count);
  return total;
}
