import { ConnectionError, ErrorCode } from './error-code.ts';
import { Flag, readUint32 } from './frame.ts';
import { copyOf } from './hpack/bytes.ts';

const EMPTY = new Uint8Array(0);

/** Puts HEADERS and its CONTINUATION frames together (RFC 9113 §6.2, §6.10). */
export class HeaderAssembly {
  /** Of the block under way, 0 when there is none: then no other frame may come. */
  streamId = 0;
  endStream = false;
  /** The stream that HEADERS names as its parent in the old priority scheme; -1 without priority. */
  dependency = -1;
  /** Where the complete block stands. */
  bytes: Uint8Array = EMPTY;
  start = 0;
  end = 0;
  #fragments = 0;
  readonly #maxFrames: number;

  /** @param maxFrames how many a block may be cut into before it is taken for an attack (CVE-2024-27316 and its kin). */
  constructor(maxFrames: number) {
    this.#maxFrames = maxFrames;
  }

  /** Takes a HEADERS payload. True when the block is complete. */
  begin(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): boolean {
    let from = start;
    let to = end;
    if ((flags & Flag.PADDED) !== 0) {
      if (from >= to) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'HEADERS: padded, but empty');
      const padding = bytes[from++] as number;
      if (padding > to - from)
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'HEADERS: more padding than payload');
      to -= padding;
    }
    this.dependency = -1;
    if ((flags & Flag.PRIORITY) !== 0) {
      if (to - from < 5) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'HEADERS: too short for its priority');
      this.dependency = readUint32(bytes, from) & 0x7fffffff;
      from += 5;
    }
    this.endStream = (flags & Flag.END_STREAM) !== 0;
    if ((flags & Flag.END_HEADERS) !== 0) {
      this.bytes = bytes;
      this.start = from;
      this.end = to;
      return true;
    }
    this.streamId = streamId;
    this.bytes = copyOf(bytes, from, to);
    this.start = 0;
    this.end = to - from;
    this.#fragments = 1;
    return false;
  }

  /** Takes a CONTINUATION payload. True when the block is complete. */
  continue(flags: number, bytes: Uint8Array, start: number, end: number): boolean {
    const length = this.end + (end - start);
    if (++this.#fragments > this.#maxFrames) {
      throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, `a header block in more than ${this.#maxFrames} frames`);
    }
    if (length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(length, this.bytes.length * 2));
      larger.set(this.bytes.subarray(0, this.end));
      this.bytes = larger;
    }
    this.bytes.set(bytes.subarray(start, end), this.end);
    this.end = length;
    if ((flags & Flag.END_HEADERS) === 0) return false;
    this.streamId = 0;
    return true;
  }

  /** Lets go of the read buffer. */
  clear(): void {
    this.bytes = EMPTY;
  }
}
