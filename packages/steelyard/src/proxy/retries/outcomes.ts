import { ErrorCode, type HeaderBlock } from '@steelyard/http2';
import type { PodLink, StreamReset } from '../calls/exchange.ts';
import { type CallFailure, GrpcStatus } from '../calls/grpc-status.ts';
import type { Outcome } from './outcome.ts';
import { isRateLimited, pushbackOf } from './pushback.ts';

/**
 * The response has only a header, or one that says it all: by an HTTP status, or by a field that the request named.
 *
 * @param named it has such a field
 */
export function outcomeOfHeader(
  block: HeaderBlock,
  status: number,
  endStream: boolean,
  link: PodLink,
  named: boolean,
): Outcome {
  const httpStatus = Number(block.status?.text ?? 0);
  // Should there be no other pod to ask after all, this answer is lost: it must not look like one.
  const lost = named && status === GrpcStatus.OK ? GrpcStatus.UNAVAILABLE : status;
  return {
    status,
    httpStatus,
    reset: 'none',
    rateLimited: isRateLimited(block),
    named,
    pushback: pushbackOf(block),
    last: () => ({
      ...(endStream && { header: block.retain() }),
      failure: { status: lost, message: `${link.where} answered with HTTP status ${httpStatus}` },
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
    named: false,
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
    named: false,
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
    named: false,
    pushback: undefined,
    last: () => ({ failure }),
  };
}

function kindOf({ cause, code, unconnected }: StreamReset, untouched: boolean): Outcome['reset'] {
  if (unconnected) return 'unconnected';
  if (cause === 'peer' && code === ErrorCode.REFUSED_STREAM) return 'refused';
  return untouched ? 'untouched' : 'broken';
}
