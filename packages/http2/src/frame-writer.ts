import {
  CLIENT_PREFACE,
  Flag,
  FRAME_HEADER_LENGTH,
  FrameType,
  putFrameHeader,
  writeFrameHeader,
  writeUint32,
} from './frame.ts';
import { copyOf, latin1Bytes } from './hpack/bytes.ts';
import type { Encoder } from './hpack/encoder.ts';
import type { HeaderBlock } from './hpack/header-block.ts';
import type { Output } from './output.ts';

/** Longest text that goes with a GOAWAY. */
const MAX_DEBUG_LENGTH = 255;

/** Writes every frame but DATA and SETTINGS into the output. */
export class FrameWriter {
  /** The peer's SETTINGS_MAX_FRAME_SIZE. */
  maxFrameSize = 16_384;
  /** Header blocks sent so far. */
  blocksSent = 0;
  readonly #output: Output;
  readonly #encoder: Encoder;

  constructor(output: Output, encoder: Encoder) {
    this.#output = output;
    this.#encoder = encoder;
  }

  preface(): void {
    this.#octets(CLIENT_PREFACE);
  }

  headers(streamId: number, block: HeaderBlock, endStream: boolean): void {
    const output = this.#output;
    const at = output.length;
    this.blocksSent++;
    output.ensure(FRAME_HEADER_LENGTH);
    output.length += FRAME_HEADER_LENGTH;
    this.#encoder.encode(block.fields, block.count, output);
    const length = output.length - at - FRAME_HEADER_LENGTH;
    const endFlag = endStream ? Flag.END_STREAM : 0;
    if (length <= this.maxFrameSize) {
      putFrameHeader(output.buffer, at, length, FrameType.HEADERS, Flag.END_HEADERS | endFlag, streamId);
      return;
    }
    const encoded = copyOf(output.buffer, at + FRAME_HEADER_LENGTH, output.length);
    output.length = at;
    this.#cutHeaders(streamId, encoded, endFlag);
  }

  /** RFC 9113 §6.10 */
  #cutHeaders(streamId: number, encoded: Uint8Array, endFlag: number): void {
    for (let from = 0; from < encoded.length; from += this.maxFrameSize) {
      const part = encoded.subarray(from, from + this.maxFrameSize);
      const type = from === 0 ? FrameType.HEADERS : FrameType.CONTINUATION;
      const last = from + part.length === encoded.length ? Flag.END_HEADERS : 0;
      writeFrameHeader(this.#output, part.length, type, last | (from === 0 ? endFlag : 0), streamId);
      this.#octets(part);
    }
  }

  reset(streamId: number, code: number): void {
    writeFrameHeader(this.#output, 4, FrameType.RST_STREAM, 0, streamId);
    writeUint32(this.#output, code);
  }

  windowUpdate(streamId: number, increment: number): void {
    writeFrameHeader(this.#output, 4, FrameType.WINDOW_UPDATE, 0, streamId);
    writeUint32(this.#output, increment);
  }

  /** @param payload 8 octets */
  ping(payload: Uint8Array, flags: number): void {
    writeFrameHeader(this.#output, 8, FrameType.PING, flags, 0);
    this.#octets(payload);
  }

  goAway(lastStreamId: number, code: number, debug: string): void {
    const text = latin1Bytes(debug.slice(0, MAX_DEBUG_LENGTH));
    writeFrameHeader(this.#output, 8 + text.length, FrameType.GOAWAY, 0, 0);
    writeUint32(this.#output, lastStreamId);
    writeUint32(this.#output, code);
    this.#octets(text);
  }

  #octets(bytes: Uint8Array): void {
    const output = this.#output;
    output.ensure(bytes.length);
    output.buffer.set(bytes, output.length);
    output.length += bytes.length;
  }
}
