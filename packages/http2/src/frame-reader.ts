import { ConnectionError, ErrorCode } from './error-code.ts';
import { DEFAULT_MAX_FRAME_SIZE, Flag, FRAME_HEADER_LENGTH, FrameType, readUint32 } from './frame.ts';

/** Frames as they come off the wire. DATA arrives in pieces as large as the reads were; all else is whole. */
export interface FrameSink {
  onFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void;
  /** `length` counts padding too: it is what flow control counts (RFC 9113 §6.9.1). */
  onDataStart(flags: number, streamId: number, length: number): void;
  /** Without padding. `last` once a frame, possibly with no octets. */
  onDataPart(bytes: Uint8Array, start: number, end: number, last: boolean): void;
}

const EMPTY = new Uint8Array(0);

/** Room for what is left of a read: a frame header, and most small frames. */
const LEAST_REST = 64;

/** Cuts a byte stream into frames (RFC 9113 §4.1). Whole frames are read in place, only cut ones are copied. */
export class FrameReader {
  readonly #sink: FrameSink;
  /** The beginning of a frame whose end has not arrived. */
  #rest: Uint8Array = EMPTY;
  #restLength = 0;
  /** Frames so far whose end was not in the read that began them; DATA does not count. */
  #cutFrames = 0;
  /** Octets of the current DATA frame still to come, without padding; -1 outside DATA, and before its Pad Length. */
  #dataLeft = -1;
  #padLeft = 0;
  #awaitsPadLength = false;
  #dataLength = 0;
  /** What is being read, and where the next frame begins in it, while a whole frame is handed on. */
  #chunk: Uint8Array = EMPTY;
  #next = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Octets of a frame that has not come to its end. */
  get heldLength(): number {
    return this.#rest.length;
  }

  /** Which of the frames that were cut is still waited for the end of; 0 when none is. */
  get cutFrame(): number {
    return this.#restLength === 0 ? 0 : this.#cutFrames;
  }

  /** The next octet begins a frame. */
  get betweenFrames(): boolean {
    return this.#restLength === 0 && this.#dataLeft < 0 && this.#padLeft === 0 && !this.#awaitsPadLength;
  }

  /** While a frame that is not DATA is handed on: the next one has come too, and is DATA of this stream, not empty. */
  dataFollows(streamId: number): boolean {
    const chunk = this.#chunk;
    const at = this.#next;
    if (at + FRAME_HEADER_LENGTH > chunk.length || chunk[at + 3] !== FrameType.DATA) return false;
    if ((readUint32(chunk, at + 5) & 0x7fffffff) !== streamId) return false;
    return chunk[at] !== 0 || chunk[at + 1] !== 0 || chunk[at + 2] !== 0;
  }

  read(chunk: Uint8Array): void {
    let at = 0;
    const end = chunk.length;
    this.#chunk = chunk;
    while (at < end) {
      if (this.#dataLeft >= 0 || this.#padLeft > 0 || this.#awaitsPadLength) at = this.#readData(chunk, at, end);
      else if (this.#restLength > 0) at = this.#readRest(chunk, at, end);
      else at = this.#readFrame(chunk, at, end);
    }
    this.#chunk = EMPTY;
  }

  /** A frame that begins at `at`. */
  #readFrame(chunk: Uint8Array, at: number, end: number): number {
    if (end - at < FRAME_HEADER_LENGTH) return this.#keep(chunk, at, end, FRAME_HEADER_LENGTH);
    const length = payloadLength(chunk, at);
    const type = chunk[at + 3] as number;
    if (type === FrameType.DATA) {
      this.#startData(chunk, at, length);
      return at + FRAME_HEADER_LENGTH;
    }
    const next = at + FRAME_HEADER_LENGTH + length;
    if (next > end) return this.#keep(chunk, at, end, FRAME_HEADER_LENGTH + length);
    this.#next = next;
    this.#sink.onFrame(
      type,
      chunk[at + 4] as number,
      readUint32(chunk, at + 5) & 0x7fffffff,
      chunk,
      at + FRAME_HEADER_LENGTH,
      next,
    );
    return next;
  }

  /** Memory grows with what has come, not with what a frame header promises. */
  #keep(chunk: Uint8Array, at: number, end: number, capacity: number): number {
    const needed = Math.min(capacity, Math.max(LEAST_REST, 2 * (end - at)));
    if (this.#rest.length < needed) this.#rest = new Uint8Array(needed);
    this.#rest.set(chunk.subarray(at, end));
    this.#restLength = end - at;
    this.#cutFrames++;
    return end;
  }

  /** Completes the header, then the payload, of the frame that `#rest` begins. */
  #readRest(chunk: Uint8Array, at: number, end: number): number {
    let position = this.#fill(chunk, at, end, FRAME_HEADER_LENGTH);
    if (this.#restLength < FRAME_HEADER_LENGTH) return position;
    const length = payloadLength(this.#rest, 0);
    const type = this.#rest[3] as number;
    if (type === FrameType.DATA) {
      this.#restLength = 0;
      this.#startData(this.#rest, 0, length);
      return position;
    }
    const whole = FRAME_HEADER_LENGTH + length;
    position = this.#fill(chunk, position, end, whole);
    if (this.#restLength < whole) return position;
    const rest = this.#rest;
    this.#rest = EMPTY;
    this.#restLength = 0;
    const streamId = readUint32(rest, 5) & 0x7fffffff;
    this.#next = position;
    this.#sink.onFrame(type, rest[4] as number, streamId, rest, FRAME_HEADER_LENGTH, whole);
    return position;
  }

  #fill(chunk: Uint8Array, at: number, end: number, target: number): number {
    const count = Math.min(target - this.#restLength, end - at);
    if (count <= 0) return at;
    const length = this.#restLength + count;
    if (this.#rest.length < length) {
      const larger = new Uint8Array(Math.min(target, 2 * length));
      larger.set(this.#rest.subarray(0, this.#restLength));
      this.#rest = larger;
    }
    this.#rest.set(chunk.subarray(at, at + count), this.#restLength);
    this.#restLength += count;
    return at + count;
  }

  #startData(header: Uint8Array, at: number, length: number): void {
    const flags = header[at + 4] as number;
    this.#dataLength = length;
    this.#awaitsPadLength = (flags & Flag.PADDED) !== 0;
    this.#padLeft = 0;
    if (this.#awaitsPadLength && length === 0) {
      throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'DATA: padded, but empty');
    }
    this.#sink.onDataStart(flags, readUint32(header, at + 5) & 0x7fffffff, length);
    if (this.#awaitsPadLength) return;
    this.#dataLeft = length;
    if (length === 0) this.#endData(EMPTY, 0, 0);
  }

  #readData(chunk: Uint8Array, start: number, end: number): number {
    let at = start;
    if (this.#awaitsPadLength) {
      this.#awaitsPadLength = false;
      this.#padLeft = chunk[at++] as number;
      // RFC 9113 §6.1: the padding must leave room for its own length.
      if (this.#padLeft >= this.#dataLength) {
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'DATA: more padding than payload');
      }
      this.#dataLeft = this.#dataLength - 1 - this.#padLeft;
      if (this.#dataLeft === 0) this.#endData(EMPTY, 0, 0);
    }
    if (this.#dataLeft > 0) {
      const count = Math.min(this.#dataLeft, end - at);
      if (count === 0) return at;
      this.#dataLeft -= count;
      if (this.#dataLeft === 0) this.#endData(chunk, at, at + count);
      else this.#sink.onDataPart(chunk, at, at + count, false);
      at += count;
    }
    const padding = Math.min(this.#padLeft, end - at);
    this.#padLeft -= padding;
    return at + padding;
  }

  #endData(bytes: Uint8Array, start: number, end: number): void {
    this.#dataLeft = -1;
    this.#sink.onDataPart(bytes, start, end, true);
  }
}

/** RFC 9113 §4.2: we never announce more than the default, so a longer frame is a connection error. */
function payloadLength(bytes: Uint8Array, at: number): number {
  const length = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
  if (length > DEFAULT_MAX_FRAME_SIZE) {
    throw new ConnectionError(
      ErrorCode.FRAME_SIZE_ERROR,
      `a frame of ${length} octets, ${DEFAULT_MAX_FRAME_SIZE} allowed`,
    );
  }
  return length;
}
