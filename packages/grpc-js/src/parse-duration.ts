const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** The longest delay a timer takes; what is longer would fire at once. */
const MAX_MS = 2 ** 31 - 1;

/**
 * Milliseconds of `500ms`, `1.5s`, `2m` or `1h`; `undefined` for anything else, and for what no timer can wait (24.8 days).
 * Gateway API writes durations so, and a service config's `"10s"` is one of them.
 */
export function parseDuration(text: string): number | undefined {
  const found = /^(\d{1,10}(?:\.\d{1,9})?)(ms|s|m|h)$/.exec(text);
  const unit = found?.[2];
  if (unit !== 'ms' && unit !== 's' && unit !== 'm' && unit !== 'h') return undefined;
  const ms = Number(found?.[1]) * UNIT_MS[unit];
  return ms <= MAX_MS ? ms : undefined;
}
