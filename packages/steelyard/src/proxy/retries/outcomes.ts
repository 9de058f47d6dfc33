import { ErrorCode, type HeaderBlock } from '@steelyard/http2';
import type { PodLink, StreamReset } from '../calls/exchange.ts';
import { type CallFailure, GrpcStatus } from '../calls/grpc-status.ts';
import type { Outcome } from './outcome.ts';
import { isRateLimited, pushbackOf } from './pushback.ts';

/** The response has only a header, or one with an HTTP status that says it all. */
export function outcomeOfHeader(block: HeaderBlock, status: number, endStream: boolean, link: PodLink): Outcome {
  const httpStatus = Number(block.status?.text ?? 0);
  return {
    status,
    httpStatus,
    reset: 'none',
    rateLimited: isRateLimited(block),
    pushback: pushbackOf(block),
    last: () => ({
      ...(endStream && { header: block.retain() }),
      failure: { status, message: `${link.where} answered with HTTP status ${httpStatus}` },
    }),
  };
}

/** The response has a header and trailers, and no message. */
export function outcomeOfTrailers(
  block: HeaderBlock,
  held: HeaderBlock | undefined,
  status: number,
  link: PodLink,
): Outcome {
  return {
    status,
    httpStatus: 200,
    reset: 'none',
    rateLimited: held !== undefined && isRateLimited(held),
    pushback: pushbackOf(block),
    last: () => ({
      ...(held !== undefined && { header: held.retain(), trailers: block.retain() }),
      failure: { status, message: `${link.where} answered with status ${status}` },
    }),
  };
}

/** There is no response, or only its header. */
export function outcomeOfReset(reset: StreamReset, untouched: boolean, failure: CallFailure): Outcome {
  return {
    status: failure.status,
    httpStatus: 0,
    reset: kindOf(reset, untouched),
    rateLimited: false,
    pushback: undefined,
    last: () => ({ failure }),
  };
}

/** The pod has taken longer than an attempt may. */
export function outcomeOfTimeout(where: string, ms: number): Outcome {
  const failure: CallFailure = {
    status: GrpcStatus.DEADLINE_EXCEEDED,
    message: `${where} did not answer within the ${ms} ms that the route gives each attempt`,
  };
  return {
    status: failure.status,
    httpStatus: 0,
    reset: 'timeout',
    rateLimited: false,
    pushback: undefined,
    last: () => ({ failure }),
  };
}

function kindOf({ cause, code, unconnected }: StreamReset, untouched: boolean): Outcome['reset'] {
  if (unconnected) return 'unconnected';
  if (cause === 'peer' && code === ErrorCode.REFUSED_STREAM) return 'refused';
  return untouched ? 'untouched' : 'broken';
}
