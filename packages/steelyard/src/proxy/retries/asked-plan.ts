import { fieldName, HeaderBlock } from '@steelyard/http2';
import { isRateLimited } from './pushback.ts';
import type { RetryPlan } from './retry-plan.ts';

const HEADER_NAMES = fieldName('x-envoy-retriable-header-names');
const STATUS_CODES = fieldName('x-envoy-retriable-status-codes');

/**
 * The plan with the reasons to try again that a request names itself, as Envoy's router takes them from it after the route's
 * header operations (Envoy, "x-envoy-retriable-header-names" and "-status-codes"), and the request without these headers: they
 * are for the proxy only. `undefined` when it has none.
 */
export function planAsked(
  plan: RetryPlan,
  block: HeaderBlock,
): { readonly plan: RetryPlan; readonly sent: HeaderBlock } | undefined {
  const fields = block.fields.slice(0, block.count);
  const others = fields.filter(({ name }) => name !== HEADER_NAMES && name !== STATUS_CODES);
  if (others.length === fields.length) return undefined;
  // RFC 9110 §5.3: lines of one name are one list.
  const listOf = (wanted: typeof HEADER_NAMES): readonly string[] =>
    fields.flatMap((field) => (field.name === wanted ? parseList(field.text) : []));
  const names = plan.onNamedHeader ? new Set(listOf(HEADER_NAMES).map((name) => name.toLowerCase())) : undefined;
  const codes = plan.onNamedStatus ? new Set(listOf(STATUS_CODES).flatMap(parseCode)) : undefined;
  return {
    plan: {
      ...plan,
      ...(codes !== undefined && { isHttpStatus: (status) => codes.has(status) || plan.isHttpStatus(status) }),
      namedHeaders: names,
    },
    sent: HeaderBlock.of(others),
  };
}

/** A response that says it is rate limited has another word, `envoy-ratelimited`, and Envoy looks no further. */
export function hasNamedHeader(block: HeaderBlock, { onRateLimit }: RetryPlan, names: ReadonlySet<string>): boolean {
  for (let at = 0; at < block.count; at++) {
    const field = block.fields[at];
    if (field !== undefined && names.has(field.name.text)) return onRateLimit || !isRateLimited(block);
  }
  return false;
}

/** Names or numbers with commas and blanks between them; what is empty is left out. */
function parseList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function parseCode(text: string): readonly number[] {
  return /^\+?\d{1,9}$/.test(text) ? [Number(text)] : [];
}
