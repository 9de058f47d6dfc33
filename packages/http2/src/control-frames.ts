import { ConnectionError, ErrorCode } from './error-code.ts';
import { readUint32 } from './frame.ts';
import { latin1Text } from './hpack/bytes.ts';

/** Payloads of the small frames. Each throws a {@link ConnectionError} of FRAME_SIZE_ERROR for a wrong length. */

/** RFC 9113 §6.4: the error code. */
export function parseReset(bytes: Uint8Array, start: number, end: number): number {
  if (end - start !== 4) throw wrongLength('RST_STREAM');
  return readUint32(bytes, start);
}

/** RFC 9113 §6.9: the increment. */
export function parseWindowUpdate(bytes: Uint8Array, start: number, end: number): number {
  if (end - start !== 4) throw wrongLength('WINDOW_UPDATE');
  return readUint32(bytes, start) & 0x7fffffff;
}

export interface GoAway {
  readonly lastStreamId: number;
  readonly code: number;
  /** At most 256 characters of what the peer said. */
  readonly debug: string;
}

/** RFC 9113 §6.8 */
export function parseGoAway(bytes: Uint8Array, start: number, end: number): GoAway {
  if (end - start < 8) throw wrongLength('GOAWAY');
  return {
    lastStreamId: readUint32(bytes, start) & 0x7fffffff,
    code: readUint32(bytes, start + 4),
    debug: latin1Text(bytes, start + 8, Math.min(end, start + 264)),
  };
}

export function checkPing(start: number, end: number): void {
  if (end - start !== 8) throw wrongLength('PING');
}

export function checkSettings(start: number, end: number, acknowledgement: boolean): void {
  if (acknowledgement ? start !== end : (end - start) % 6 !== 0) throw wrongLength('SETTINGS');
}

function wrongLength(frame: string): ConnectionError {
  return new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `${frame} of a wrong length`);
}
