/** What the load process measures in one go, and prints as one line of JSON. */
export interface LoadResult {
  readonly calls: number;
  readonly failures: number;
  /** What the first failed call or closed connection said. */
  readonly firstFailure?: string;
  readonly elapsedMs: number;
  /** CPU time of the subject's threads meanwhile. */
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export function parseLoadResult(line: string): LoadResult {
  const value: unknown = JSON.parse(line);
  if (isLoadResult(value)) return value;
  throw new Error(`the load process said ${line.slice(0, 200)}`);
}

function isLoadResult(value: unknown): value is LoadResult {
  return (
    typeof value === 'object' &&
    value !== null &&
    'calls' in value &&
    'failures' in value &&
    'elapsedMs' in value &&
    'cpuMicros' in value
  );
}
