import type { HeaderOperations } from '@steelyard/core/model';
import { createField, ErrorCode, errorCodeName, type Field, HeaderBlock, type Limits } from '@steelyard/http2';
import { operateHeaders } from '../routing/operate-headers.ts';
import type { StreamReset } from './exchange.ts';

/** The status codes of gRPC that a proxy comes to say itself (grpc/doc/statuscodes.md). */
export const GrpcStatus = {
  OK: 0,
  CANCELLED: 1,
  NOT_FOUND: 5,
  DEADLINE_EXCEEDED: 4,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
} as const;

/** What a caller is told when its call cannot be served. */
export interface CallFailure {
  /** A value of {@link GrpcStatus}. */
  readonly status: number;
  readonly message: string;
  /** The message is a rule's own (`directResponse`), and told word for word. Else it is told that it is the proxy's. */
  readonly verbatim?: true;
  /** What callers that do not speak gRPC are told, where their status would not say it. */
  readonly httpStatus?: '431' | '502';
  /** Done to the header of the answer. */
  readonly headers?: HeaderOperations;
  /** A circuit breaker says so: the call must not be tried again. */
  readonly overloaded?: true;
  /** No connection has room, and there is none to be had: the call may wait for one. */
  readonly full?: true;
}

/** PROTOCOL-HTTP2.md "Errors", and what gRPC callers expect of a connection that is gone: to be told to try again. */
export function failureOfReset({ code, cause, detail, unconnected }: StreamReset, where: string): CallFailure {
  const because = detail === '' ? '' : `: ${detail}`;
  switch (cause) {
    case 'connection':
      return {
        status: GrpcStatus.UNAVAILABLE,
        message: `the connection to ${where} ${unconnected ? 'could not be made' : 'was lost'}${because}`,
      };
    case 'unprocessed':
      return { status: GrpcStatus.UNAVAILABLE, message: `${where} is going away and did not take the call` };
    case 'stalled':
      return givenUp(where, because);
    case 'malformed':
      if (code === ErrorCode.ENHANCE_YOUR_CALM) return givenUp(where, because);
      return { status: GrpcStatus.INTERNAL, message: `the response of ${where} is malformed${because}` };
    case 'peer':
      return { status: statusOfCode(code), message: `${where} reset the call with ${errorCodeName(code)}` };
    default:
      return cause satisfies never;
  }
}

function givenUp(where: string, because: string): CallFailure {
  return { status: GrpcStatus.RESOURCE_EXHAUSTED, message: `the call to ${where} was given up${because}` };
}

/**
 * @param what the metadata of whom
 * @param block it; absent: it is its size that is too large
 */
export function tooLarge(what: string, { maxHeaderListSize, maxHeaderFields }: Limits, block?: HeaderBlock): string {
  if (block?.tooMany === true) return `${what} has more than ${maxHeaderFields} fields (maxHeaderFields)`;
  return `${what} is larger than ${maxHeaderListSize} octets`;
}

function statusOfCode(code: number): number {
  switch (code) {
    case ErrorCode.REFUSED_STREAM:
      return GrpcStatus.UNAVAILABLE;
    case ErrorCode.CANCEL:
      return GrpcStatus.CANCELLED;
    case ErrorCode.ENHANCE_YOUR_CALM:
      return GrpcStatus.RESOURCE_EXHAUSTED;
    case ErrorCode.INADEQUATE_SECURITY:
      return GrpcStatus.PERMISSION_DENIED;
    default:
      return GrpcStatus.INTERNAL;
  }
}

/** HTTP's word for the same, for callers that are not gRPC (the inverse of grpc/doc/http-grpc-status-mapping.md). */
function httpStatusOf({ status, httpStatus }: CallFailure): string {
  if (httpStatus !== undefined) return httpStatus;
  switch (status) {
    case GrpcStatus.NOT_FOUND:
    case GrpcStatus.UNIMPLEMENTED:
      return '404';
    case GrpcStatus.RESOURCE_EXHAUSTED:
    case GrpcStatus.UNAVAILABLE:
      return '503';
    case GrpcStatus.DEADLINE_EXCEEDED:
      return '504';
    default:
      return '502';
  }
}

const STATUS_200 = createField(':status', '200', 'constant');
const CONTENT_TYPE_GRPC = createField('content-type', 'application/grpc', 'constant');
const CONTENT_TYPE_TEXT = createField('content-type', 'text/plain; charset=utf-8', 'constant');

/** A whole gRPC response in one header block: Trailers-Only. */
export function trailersOnly(failure: CallFailure): HeaderBlock {
  return headerOf([STATUS_200, CONTENT_TYPE_GRPC, ...statusFields(failure)], failure);
}

/** The header of a gRPC response with messages. */
export function grpcHeader(): HeaderBlock {
  return HeaderBlock.of([STATUS_200, CONTENT_TYPE_GRPC]);
}

/** The end of a gRPC response whose header has gone out. */
export function statusTrailers(failure: CallFailure): HeaderBlock {
  return HeaderBlock.of(statusFields(failure));
}

/** The header of a response to a caller that does not speak gRPC; the message is its body. */
export function httpFailure(failure: CallFailure): HeaderBlock {
  return headerOf([createField(':status', httpStatusOf(failure)), CONTENT_TYPE_TEXT], failure);
}

function headerOf(fields: Field[], { headers }: CallFailure): HeaderBlock {
  return HeaderBlock.of(headers === undefined ? fields : operateHeaders(fields, headers));
}

/** The message as the caller gets it. */
export function toldMessage({ message, verbatim }: CallFailure): string {
  return verbatim === true ? message : `steelyard: ${message}`;
}

function statusFields(failure: CallFailure): Field[] {
  return [
    createField('grpc-status', String(failure.status)),
    createField('grpc-message', percentEncode(toldMessage(failure))),
  ];
}

/** PROTOCOL-HTTP2.md "Percent-Encoded": UTF-8, everything but printable ASCII other than `%` escaped. */
function percentEncode(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded.trimEnd();
}
