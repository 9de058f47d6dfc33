import { DEFAULT_RETRY_POLICY, type RetryCondition, type RetryPolicy } from '@steelyard/core/model';

/** A {@link RetryPolicy} as calls use it. */
export interface RetryPlan {
  /** After the first. */
  readonly attempts: number;
  readonly perTryTimeoutMs: number | undefined;
  readonly backoffMs: number;
  readonly remoteLocalities: boolean;
  readonly ignorePreviousHosts: boolean;
  /** Bit n stands for gRPC status n. */
  readonly grpcStatuses: number;
  readonly isHttpStatus: (status: number) => boolean;
  /** The stream to the pod broke off. */
  readonly onReset: boolean;
  /** … before anything of the request had left. */
  readonly onResetBeforeRequest: boolean;
  readonly onRefusedStream: boolean;
  readonly onConnectFailure: boolean;
  readonly onRateLimit: boolean;
  /** The route says by which response headers, or statuses, that the request names: see {@link planAsked}. */
  readonly asks: boolean;
  /** What the request names is looked for, if it names any. */
  readonly onNamedStatus: boolean;
  readonly onNamedHeader: boolean;
  /** Lower-case names of response headers that are a reason to try again; `undefined`: the request named none. */
  readonly namedHeaders: ReadonlySet<string> | undefined;
}

/** The words of gRPC, at their status (istio.io, `HTTPRetry.retryOn`; Envoy, `x-envoy-retry-grpc-on`). */
const GRPC_WORDS: readonly (readonly [RetryCondition, number])[] = [
  ['cancelled', 1],
  ['deadline-exceeded', 4],
  ['resource-exhausted', 8],
  ['internal', 13],
  ['unavailable', 14],
];

/** Envoy, `x-envoy-retry-on`: an attempt without any response counts as a 5xx, since it would result in one. */
const WORDS_OF_RESETS: readonly RetryCondition[] = ['reset', '5xx', 'gateway-error'];

const plans = new WeakMap<RetryPolicy, RetryPlan>();

/** `undefined` when calls are not to be tried again. Without a policy it is Istio's default one. */
export function retryPlanOf(policy: RetryPolicy | undefined): RetryPlan | undefined {
  if (policy === undefined) return DEFAULT_PLAN;
  if (policy.attempts === 0) return undefined;
  let plan = plans.get(policy);
  if (plan === undefined) {
    plan = compileRetryPlan(policy);
    plans.set(policy, plan);
  }
  return plan;
}

function compileRetryPlan(policy: RetryPolicy): RetryPlan {
  const words = new Set(policy.retryOn);
  let grpcStatuses = 0;
  for (const [word, status] of GRPC_WORDS) if (words.has(word)) grpcStatuses |= 1 << status;
  const codes = new Set(policy.statusCodes);
  const saysStatus = words.has('retriable-status-codes') || codes.size > 0;
  const onNamedHeader = words.has('retriable-headers');
  return {
    attempts: policy.attempts,
    perTryTimeoutMs: policy.perTryTimeoutMs,
    backoffMs: policy.backoffMs,
    remoteLocalities: policy.retryRemoteLocalities,
    ignorePreviousHosts: policy.retryIgnorePreviousHosts,
    grpcStatuses,
    isHttpStatus: (status) =>
      codes.has(status) ||
      (words.has('5xx') && status >= 500 && status <= 599) ||
      (words.has('gateway-error') && status >= 502 && status <= 504) ||
      (words.has('retriable-4xx') && status === 409),
    onReset: WORDS_OF_RESETS.some((word) => words.has(word)),
    onResetBeforeRequest: words.has('reset-before-request'),
    onRefusedStream: words.has('refused-stream'),
    onConnectFailure: words.has('connect-failure'),
    onRateLimit: words.has('envoy-ratelimited'),
    asks: saysStatus || onNamedHeader,
    // Istio adds the word to codes, and to its default policy.
    onNamedStatus: saysStatus || policy.retryOn === DEFAULT_RETRY_POLICY.retryOn,
    onNamedHeader,
    namedHeaders: undefined,
  };
}

const DEFAULT_PLAN = compileRetryPlan(DEFAULT_RETRY_POLICY);
