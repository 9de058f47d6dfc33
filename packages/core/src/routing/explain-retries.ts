import { DEFAULT_RETRY_POLICY, type RetryPolicy, type Route } from '../model/index.ts';

/** When a call that failed is tried again, and how often. */
export function explainRetries({ retry }: Pick<Route, 'retry'>): { decision: string; because: readonly string[] } {
  if (retry === undefined) {
    const { backoffMs, retryIgnorePreviousHosts } = DEFAULT_RETRY_POLICY;
    const where = retryIgnorePreviousHosts ? ', and goes to another endpoint as long as there is one' : '';
    const waits = `The first retry waits up to ${backoffMs} ms, the next up to ${2 * backoffMs} ms${where}.`;
    return {
      decision: `By default it is tried again ${inWords(DEFAULT_RETRY_POLICY)}.`,
      because: ["Nothing sets retries, so Istio's default holds.", waits],
    };
  }
  if (retry.attempts === 0) return { decision: 'It is not tried again.', because: [] };
  const { perTryTimeoutMs } = retry;
  const because = perTryTimeoutMs === undefined ? [] : [`Each attempt ends after ${perTryTimeoutMs} ms at the latest.`];
  return { decision: `It is tried again ${inWords(retry)}.`, because };
}

function inWords({ attempts, retryOn, statusCodes }: RetryPolicy): string {
  return `at most ${attempts === 1 ? 'once' : `${attempts} times`}, on ${[...retryOn, ...statusCodes].join(', ')}`;
}
