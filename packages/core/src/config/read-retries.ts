import { DEFAULT_RETRY_POLICY, type RetryCondition, type RetryPolicy } from '../model/index.ts';
import type { FieldReader } from './field-reader.ts';
import { readDurationMs } from './read-duration.ts';

const CONDITIONS: ReadonlySet<string> = new Set<RetryCondition>([
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'retriable-4xx',
  'refused-stream',
  'retriable-status-codes',
  'retriable-headers',
  'envoy-ratelimited',
  'http3-post-connect-failure',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
]);

/** `retries` of a rule. Istio's validation: without attempts no other field may be set. */
export function readRetries(rule: FieldReader): RetryPolicy | undefined {
  const block = rule.mapping('retries');
  if (block === undefined) return undefined;
  const given = block.integer('attempts', { min: 0, max: 2_147_483_647 });
  const attempts = given ?? 0;
  const perTryTimeoutMs = readDurationMs(block, 'perTryTimeout');
  const backoffMs = readDurationMs(block, 'backoff');
  const retryOn = block.string('retryOn');
  const retryRemoteLocalities = block.boolean('retryRemoteLocalities');
  const retryIgnorePreviousHosts = block.boolean('retryIgnorePreviousHosts');
  block.finish();
  if (attempts === 0 && block.has('attempts') === (given !== undefined)) {
    for (const field of ['perTryTimeout', 'retryOn', 'retryRemoteLocalities']) {
      if (!block.has(field) || block.value(field) === '') continue;
      block.fail(field, 'invalid-value', `Field ${field} needs attempts above 0; set attempts or remove it.`);
    }
  }
  const { conditions, statusCodes } = readConditions(block, retryOn ?? '');
  return {
    attempts,
    ...(perTryTimeoutMs !== undefined && { perTryTimeoutMs }),
    retryOn: conditions.length + statusCodes.length === 0 ? DEFAULT_RETRY_POLICY.retryOn : conditions,
    statusCodes,
    backoffMs: backoffMs ?? DEFAULT_RETRY_POLICY.backoffMs,
    retryRemoteLocalities: retryRemoteLocalities ?? false,
    retryIgnorePreviousHosts: retryIgnorePreviousHosts ?? true,
  };
}

function readConditions(
  block: FieldReader,
  retryOn: string,
): { readonly conditions: readonly RetryCondition[]; readonly statusCodes: readonly number[] } {
  const conditions: RetryCondition[] = [];
  const statusCodes: number[] = [];
  if (retryOn === '') return { conditions, statusCodes };
  for (const part of retryOn.split(',')) {
    const word = part.trim();
    const code = /^\d{3}$/.test(word) ? Number(word) : 0;
    if (isCondition(word)) conditions.push(word);
    else if (code >= 100 && code <= 599) statusCodes.push(code);
    else {
      const known = [...CONDITIONS].join(', ');
      block.fail('retryOn', 'invalid-value', `"${word}" in retryOn is neither an HTTP status nor one of ${known}.`);
    }
  }
  return { conditions, statusCodes };
}

function isCondition(word: string): word is RetryCondition {
  return CONDITIONS.has(word);
}
