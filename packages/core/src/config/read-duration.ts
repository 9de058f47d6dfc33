import type { FieldReader } from './field-reader.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Go's duration: `1.5s`, `300ms`, `1h30m`. `undefined` when it is none. */
export function parseGoDurationMs(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const { groups } of text.matchAll(/(?<value>\d+(?:\.\d*)?)(?<unit>ns|us|µs|ms|s|m|h)/g)) {
    total += Number(groups?.['value']) * (UNIT_MS[groups?.['unit'] ?? ''] ?? 0);
  }
  return total;
}

/** Milliseconds, at least 1 unless `zero` is allowed, as Istio's schema has it (`duration(self) >= duration('1ms')`). */
export function readDurationMs(
  reader: FieldReader,
  field: string,
  zero: 'zero' | 'at-least-1ms' = 'at-least-1ms',
): number | undefined {
  const text = reader.string(field);
  if (text === undefined) return undefined;
  const value = parseGoDurationMs(text);
  // Istio's validation: nothing finer than a millisecond.
  const isWhole = value !== undefined && Math.abs(value - Math.round(value)) < 1e-9;
  if (isWhole && (value >= 1 || (zero === 'zero' && value === 0))) return Math.round(value);
  const wanted =
    zero === 'zero'
      ? 'a duration of whole milliseconds as 0s, 300ms or 1.5s'
      : 'a duration of whole milliseconds, as 300ms or 1.5s';
  return reader.fail(field, 'invalid-value', `Field ${field} must be ${wanted}, not "${text}".`);
}

/** A share of calls: `{value: 0.1}` is one in a thousand. */
export function readPercentage(owner: FieldReader, field: string): number | undefined {
  const block = owner.mapping(field);
  if (block === undefined) return undefined;
  const value = readNumber(block, 'value', 0, 100) ?? 0;
  block.finish();
  return value;
}

export function readNumber(reader: FieldReader, field: string, min: number, max: number): number | undefined {
  const value = reader.value(field);
  if (value === undefined) return undefined;
  const wanted = max === Number.POSITIVE_INFINITY ? `a number of at least ${min}` : `a number from ${min} to ${max}`;
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    return reader.fail(field, 'wrong-type', `Field ${field} must be ${wanted}.`);
  }
  if (value >= min && value <= max) return value;
  return reader.fail(field, 'invalid-value', `Field ${field} must be ${wanted}, not ${value}.`);
}
