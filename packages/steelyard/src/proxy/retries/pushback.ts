import { type Field, fieldName, type HeaderBlock } from '@steelyard/http2';

const PUSHBACK = fieldName('grpc-retry-pushback-ms');
const RATE_LIMITED = fieldName('x-envoy-ratelimited');

const MOST_MS = 2 ** 31 - 1;

export function pushbackOf(block: HeaderBlock): string | undefined {
  return find(block, PUSHBACK)?.text;
}

export function isRateLimited(block: HeaderBlock): boolean {
  return find(block, RATE_LIMITED) !== undefined;
}

/**
 * gRFC A6, "Pushback": ASCII digits of an int32, in milliseconds. Anything else, above all a negative number, says that
 * there shall be no further attempt.
 */
export function parsePushback(text: string): number | 'never' {
  const ms = /^\d{1,10}$/.test(text) ? Number(text) : Infinity;
  return ms <= MOST_MS ? ms : 'never';
}

function find(block: HeaderBlock, name: Field['name']): Field | undefined {
  for (let at = 0; at < block.count; at++) {
    const field = block.fields[at];
    if (field?.name === name) return field;
  }
  return undefined;
}
