import { AUTHORITY } from '@steelyard/tools/peers';
import { DATA, END_HEADERS, END_STREAM, FRAME_HEADER, HEADERS, frame } from './frame.ts';
import { FieldBlock, rememberedIndex, STATIC } from './field-block.ts';

/** One gRPC message of 12 bytes with its prefix: flag, length, bytes. Requests and replies carry the same. */
export const MESSAGE: Buffer = Buffer.concat([Buffer.from([0, 0, 0, 0, 12]), Buffer.from('twelve bytes')]);

const PATHS = ['Get', 'List', 'Create', 'Update', 'Delete', 'Reserve', 'Release', 'Quote'].map(
  (method) => `/steelyard.bench.Inventory/${method}`,
);

const CONSTANTS: readonly (readonly [name: number | string, value: string])[] = [
  [STATIC.authority, AUTHORITY],
  [STATIC.contentType, 'application/grpc'],
  ['te', 'trailers'],
  [STATIC.userAgent, 'grpc-node-js/1.14.7'],
  ['grpc-accept-encoding', 'identity,deflate,gzip'],
];
const TRACE_DIGITS = 48;
const TIMEOUT_DIGITS = 5;
const traceparent = `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`;
const timeout = `${'2'.padEnd(TIMEOUT_DIGITS, '9')}m`;
const hexDigits = Buffer.from('0123456789abcdef');

/**
 * Writes calls of one connection. What is constant goes into the peer's header table with the first call and is an index
 * afterwards, as real callers do; path, traceparent and grpc-timeout differ per call and go as literals.
 */
export class CallWriter {
  readonly #first: readonly CallTemplate[];
  readonly #later: readonly CallTemplate[];
  #written = 0;
  /** Xorshift state (Marsaglia 2003), for trace ids that never repeat. */
  #random: number;

  /** `indexing`: the peer has a header table of the default size. */
  constructor(indexing: boolean, seed: number) {
    this.#first = PATHS.map((path) => new CallTemplate(path, indexing ? 'fill' : 'none'));
    this.#later = PATHS.map((path) => new CallTemplate(path, indexing ? 'use' : 'none'));
    this.#random = (seed * 2_654_435_761) | 1;
  }

  /** Bytes that one call takes at most. */
  static readonly MOST_BYTES = 512;

  /** Writes HEADERS and DATA of a call at `out[at…]`; returns the position after them. */
  write(out: Buffer, at: number, streamId: number): number {
    const templates = this.#written === 0 ? this.#first : this.#later;
    const template = templates[this.#written % templates.length];
    if (template === undefined) throw new Error('no template');
    this.#written++;
    template.bytes.copy(out, at);
    out.writeUInt32BE(streamId, at + 5);
    out.writeUInt32BE(streamId, at + template.dataAt + 5);
    // Eight hex digits a step; the dash between trace id and span id stays where it is.
    for (let digit = 0; digit < TRACE_DIGITS; digit += 8) {
      const skip = digit >= 32 ? 1 : 0;
      this.#hex(out, at + template.traceAt + 3 + digit + skip);
    }
    let millis = this.#written % 1000;
    for (let digit = TIMEOUT_DIGITS - 1; digit > 1; digit--) {
      out[at + template.timeoutAt + digit] = 48 + (millis % 10);
      millis = (millis / 10) | 0;
    }
    return at + template.bytes.length;
  }

  #hex(out: Buffer, at: number): void {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    for (let digit = 0; digit < 8; digit++) {
      out[at + digit] = hexDigits[(x >>> (digit * 4)) & 15] ?? 48;
    }
  }
}

/** The bytes of a call, and where in them the parts are that differ. */
class CallTemplate {
  readonly bytes: Buffer;
  readonly traceAt: number;
  readonly timeoutAt: number;
  readonly dataAt: number;

  /** `fill` puts the constants into the header table, `use` refers to them, `none` does without. */
  constructor(path: string, table: 'fill' | 'use' | 'none') {
    const block = new FieldBlock().indexed(STATIC.post).indexed(STATIC.http).literal(STATIC.path, path);
    const count = CONSTANTS.length + 2;
    for (const [nth, [name, value]] of CONSTANTS.entries()) {
      if (table === 'use') block.indexed(rememberedIndex(nth, count));
      else if (table === 'fill') block.remembered(name, value);
      else block.literal(name, value);
    }
    const own = (nth: number, name: string, value: string): number => {
      if (table === 'use') block.literal(rememberedIndex(nth, count), value);
      else if (table === 'fill') block.remembered(name, value);
      else block.literal(name, value);
      return FRAME_HEADER + block.length - value.length;
    };
    this.traceAt = own(count - 2, 'traceparent', traceparent);
    this.timeoutAt = own(count - 1, 'grpc-timeout', timeout);
    const headers = frame(HEADERS, END_HEADERS, 0, block.toBuffer());
    this.dataAt = headers.length;
    this.bytes = Buffer.concat([headers, frame(DATA, END_STREAM, 0, MESSAGE)]);
  }
}

/** The bytes of a reply: HEADERS, DATA, trailers. The stream ids are at `idsAt`. */
export interface ReplyTemplate {
  readonly bytes: Buffer;
  readonly idsAt: readonly number[];
}

export function replyTemplate(table: 'fill' | 'use' | 'none', grpcStatus: number): ReplyTemplate {
  const headers = new FieldBlock().indexed(STATIC.status200);
  const trailers = new FieldBlock();
  const status = String(grpcStatus);
  if (table === 'none' || grpcStatus !== 0) {
    headers.literal(STATIC.contentType, 'application/grpc').literal('grpc-accept-encoding', 'identity,deflate,gzip');
    trailers.literal('grpc-status', status);
  } else if (table === 'fill') {
    headers
      .remembered(STATIC.contentType, 'application/grpc')
      .remembered('grpc-accept-encoding', 'identity,deflate,gzip');
    trailers.remembered('grpc-status', status);
  } else {
    headers.indexed(rememberedIndex(0, 3)).indexed(rememberedIndex(1, 3));
    trailers.indexed(rememberedIndex(2, 3));
  }
  const parts = [
    frame(HEADERS, END_HEADERS, 0, headers.toBuffer()),
    frame(DATA, 0, 0, MESSAGE),
    frame(HEADERS, END_HEADERS | END_STREAM, 0, trailers.toBuffer()),
  ];
  let at = 0;
  const idsAt = parts.map((part) => {
    const idAt = at + 5;
    at += part.length;
    return idAt;
  });
  return { bytes: Buffer.concat(parts), idsAt };
}
