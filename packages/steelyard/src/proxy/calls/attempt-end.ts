import type { AttemptEnd } from '@steelyard/core/health';
import { ErrorCode, type ResetCause } from '@steelyard/http2';

/** What a reset tells of the pod. One that is about to leave, or whose caller takes nothing, does no wrong. */
export function attemptEndOfReset(code: number, cause: ResetCause): AttemptEnd {
  switch (cause) {
    case 'unprocessed':
    case 'stalled':
      return 'unsaid';
    case 'malformed':
    case 'connection':
      return 'broken';
    case 'peer':
      return code === ErrorCode.REFUSED_STREAM ? 'unsaid' : 'broken';
    default:
      return cause satisfies never;
  }
}
