import type { HeaderBlock } from '@steelyard/http2';
import type { CallFailure } from '../calls/grpc-status.ts';
import type { RetryPlan } from './retry-plan.ts';

/** What is passed on of an attempt that failed, should there be no other. */
export interface LastWord {
  /** What the pod said, kept for longer than its callback; without, `failure` is told. */
  readonly header?: HeaderBlock;
  readonly trailers?: HeaderBlock;
  readonly failure: CallFailure;
}

/** How an attempt ended that has not answered. */
export interface Outcome {
  /** The gRPC status that the caller would get, whoever made it: the pod, its HTTP status, or what became of the stream. */
  readonly status: number;
  /** Of the response, 0 without one. */
  readonly httpStatus: number;
  /** What became of the stream, if there is no response. */
  readonly reset: 'none' | 'unconnected' | 'untouched' | 'refused' | 'broken' | 'timeout';
  /** `x-envoy-ratelimited` is there. */
  readonly rateLimited: boolean;
  /** Its header has a field that the request named: see {@link hasNamedHeader}. */
  readonly named: boolean;
  /** The value of `grpc-retry-pushback-ms`. */
  readonly pushback: string | undefined;
  readonly last: () => LastWord;
}

/** Whether the plan has another attempt for this. @param grpc the caller speaks gRPC */
export function isRetriable(plan: RetryPlan, outcome: Outcome, grpc: boolean): boolean {
  if (grpc && (plan.grpcStatuses & (1 << outcome.status)) !== 0) return true;
  switch (outcome.reset) {
    case 'none':
      return outcome.named || plan.isHttpStatus(outcome.httpStatus) || (plan.onRateLimit && outcome.rateLimited);
    case 'unconnected':
      return plan.onReset || plan.onConnectFailure || plan.onResetBeforeRequest;
    case 'untouched':
      return plan.onReset || plan.onRefusedStream || plan.onResetBeforeRequest;
    case 'refused':
      return plan.onReset || plan.onRefusedStream;
    case 'broken':
    case 'timeout':
      return plan.onReset;
    default:
      return outcome.reset satisfies never;
  }
}
