import { GRPC_STATUS_NAMES } from '@steelyard/core/model';
import type { Field, HeaderBlock } from '@steelyard/http2';

export const UNKNOWN = 2;

/** `:status: 200` in the static table (RFC 7541, appendix A). */
export const STATIC_200 = 8;

/** The code in a `grpc-status` field. What is no code of gRPC's is UNKNOWN, as its clients take it. */
export function codeOfField({ text }: Field): number {
  const first = text.charCodeAt(0) - 48;
  const code = text.length === 1 ? first : text.length === 2 && first === 1 ? 10 + text.charCodeAt(1) - 48 : -1;
  return code >= 0 && code < GRPC_STATUS_NAMES.length ? code : UNKNOWN;
}

/**
 * The status of a response whose header is `block`, if nothing more comes: what Trailers-Only says, else what gRPC's
 * clients make of the HTTP status (grpc/doc/http-grpc-status-mapping.md). A call that is not gRPC is OK below 400.
 */
export function codeOfHeader(block: HeaderBlock, grpc: boolean): number {
  if (block.grpcStatus !== undefined) return codeOfField(block.grpcStatus);
  const { status: field } = block;
  // Nearly always: gRPC says its own status elsewhere, and this is one octet on the wire.
  if (field?.staticIndex === STATIC_200) return grpc ? UNKNOWN : 0;
  const status = field?.text ?? '';
  switch (status) {
    case '200':
      // A gRPC response has to say its status in the trailers.
      return grpc ? UNKNOWN : 0;
    case '400':
      return 13;
    case '401':
      return 16;
    case '403':
      return 7;
    case '404':
      return 12;
    case '429':
    case '502':
    case '503':
    case '504':
      return 14;
    default:
      return grpc || status === '' || status >= '400' ? UNKNOWN : 0;
  }
}
