import { AUTHORITY } from '@steelyard/tools/peers';
import { FieldBlock, rememberedIndex, STATIC } from '../wire/field-block.ts';
import { DATA, END_HEADERS, END_STREAM, frame, FRAME_HEADER, HEADERS, writeUint32 } from '../wire/frame.ts';
import { KIND, MESSAGE_LENGTH, writeMessage } from './message.ts';

/** What the calls of a connection are like. */
export interface CallKind {
  readonly kind: keyof typeof KIND;
  /** Of the message that is answered, without its prefix: 12 at least. */
  readonly replyBytes: number;
}

const PATHS = ['Get', 'List', 'Create', 'Update', 'Delete', 'Reserve', 'Release', 'Quote'].map(
  (method) => `/steelyard.bench.Inventory/${method}`,
);
/** Names that one Service has. */
const AUTHORITIES = [AUTHORITY, 'bench.default.svc.cluster.local', 'bench.default.svc:8000', 'bench.default:8000'];
const CONSTANTS: readonly (readonly [name: number | string, value: string])[] = [
  [STATIC.contentType, 'application/grpc'],
  ['te', 'trailers'],
  [STATIC.userAgent, 'grpc-node-js/1.14.7'],
  ['grpc-accept-encoding', 'identity,deflate,gzip'],
];
const TRACEPARENT = `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`;
const TIMEOUT_DIGITS = 5;
const TIMEOUT = `${'2'.padEnd(TIMEOUT_DIGITS, '9')}m`;
/** Entries of the header table, oldest first: the authorities come with the first calls, the rest with the very first. */
const ENTRIES = 3 + CONSTANTS.length;
const TEMPLATES = 32;
const STAMP = 8;
const hexDigits = Buffer.from('0123456789abcdef');

/** 8 KiB: a token that stays and six values that never repeat. */
const METADATA: readonly (readonly [name: string, value: string])[] = [
  ['authorization', `Bearer ${'eyJhbGciOiJFUzI1NiIsImtpZCI6IjdhIn0.'.repeat(57)}`],
  ...['baggage', 'x-user', 'x-session', 'x-experiment', 'x-route', 'x-signature'].map(
    (name) => [name, 'Zm9yIHRoZSBiZW5jaG1hcms9'.repeat(42)] as const,
  ),
];

/**
 * Writes calls of one connection. What is constant goes into the peer's header table with the first calls and is an index
 * afterwards, as real callers do; path, traceparent and grpc-timeout differ per call and go as literals, the authority
 * is one of four.
 */
export class CallWriter {
  /** Octets that one call takes at most. */
  readonly mostBytes: number;
  readonly #first: readonly CallTemplate[];
  readonly #later: readonly CallTemplate[];
  #written = 0;
  /** Xorshift state (Marsaglia 2003), for values that never repeat. */
  #random: number;

  /** `indexing`: the peer has a header table of the default size. */
  constructor(call: CallKind, indexing: boolean, seed: number) {
    this.#first = AUTHORITIES.map((_, nth) => new CallTemplate(call, nth, indexing ? 'fill' : 'none'));
    this.#later = Array.from({ length: TEMPLATES }, (_, nth) => new CallTemplate(call, nth, indexing ? 'use' : 'none'));
    this.mostBytes = Math.max(...[...this.#first, ...this.#later].map(({ bytes }) => bytes.length));
    this.#random = Math.imul(seed, 2_654_435_761) | 1;
  }

  /** Of the next call, which its reply must repeat. */
  get nonce(): number {
    return this.#written;
  }

  /** Writes HEADERS and, unless it is a stream of messages, the message of a call; returns the position after them. */
  write(out: Buffer, at: number, streamId: number): number {
    const nth = this.#written++;
    const template = nth < this.#first.length ? this.#first[nth] : this.#later[nth % TEMPLATES];
    if (template === undefined) throw new Error('no template');
    template.bytes.copy(out, at);
    writeUint32(out, at + 5, streamId);
    if (template.dataAt > 0) {
      writeUint32(out, at + template.dataAt + 5, streamId);
      writeUint32(out, at + template.bytes.length - 4, nth);
    }
    for (const stampAt of template.stampsAt) this.#stamp(out, at + stampAt);
    let millis = this.#written % 1000;
    for (let digit = TIMEOUT_DIGITS - 1; digit > 1; digit--) {
      out[at + template.timeoutAt + digit] = 48 + (millis % 10);
      millis = (millis / 10) | 0;
    }
    return at + template.bytes.length;
  }

  #stamp(out: Buffer, at: number): void {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    for (let digit = 0; digit < STAMP; digit++) {
      out[at + digit] = hexDigits[(x >>> (digit * 4)) & 15] ?? 48;
    }
  }
}

/** The octets of a call, and where in them the parts are that differ. */
class CallTemplate {
  readonly bytes: Buffer;
  /** Eight hexadecimal digits each. */
  readonly stampsAt: readonly number[];
  readonly timeoutAt: number;
  /** Of the DATA frame; 0 when there is none. */
  readonly dataAt: number;

  /** `fill` puts the constants into the header table, `use` refers to them, `none` does without. */
  constructor({ kind, replyBytes }: CallKind, nth: number, table: 'fill' | 'use' | 'none') {
    // Every pair of the two comes up, and the first calls have an authority each.
    const authority = (nth + (nth >> 3)) % AUTHORITIES.length;
    const path = PATHS[nth % PATHS.length] ?? '/';
    const size = ENTRIES + (table === 'fill' ? authority : AUTHORITIES.length - 1);
    /** Oldest first: the first authority, the constants, traceparent, grpc-timeout, the other authorities. */
    const entry = (age: number): number => rememberedIndex(age, size);

    const block = new FieldBlock().indexed(STATIC.post).indexed(STATIC.http).literal(STATIC.path, path);
    const name = AUTHORITIES[authority] ?? AUTHORITY;
    if (table === 'fill') block.remembered(STATIC.authority, name);
    else if (table === 'use') block.indexed(entry(authority === 0 ? 0 : ENTRIES - 1 + authority));
    else block.literal(STATIC.authority, name);

    const fill = table === 'fill' && nth === 0;
    for (const [index, [field, value]] of CONSTANTS.entries()) {
      if (fill) block.remembered(field, value);
      else if (table === 'none') block.literal(field, value);
      else block.indexed(entry(index + 1));
    }
    const own = (age: number, field: string, value: string): number => {
      if (fill) block.remembered(field, value);
      else if (table === 'none') block.literal(field, value);
      else block.literal(entry(age), value);
      return FRAME_HEADER + block.length - value.length;
    };
    const traceAt = own(ENTRIES - 2, 'traceparent', TRACEPARENT);
    this.timeoutAt = own(ENTRIES - 1, 'grpc-timeout', TIMEOUT);
    // The dash between trace id and span id stays where it is.
    const stampsAt = [3, 11, 19, 27, 36, 44].map((offset) => traceAt + offset);
    if (kind === 'metadata') {
      for (const [index, [field, value]] of METADATA.entries()) {
        block.literal(field, value);
        if (index > 0) stampsAt.push(FRAME_HEADER + block.length - value.length);
      }
    }
    this.stampsAt = stampsAt;
    const headers = frame(HEADERS, END_HEADERS, 0, block.toBuffer());
    if (kind === 'echo') {
      this.dataAt = 0;
      this.bytes = headers;
    } else {
      const message = Buffer.alloc(MESSAGE_LENGTH);
      writeMessage(message, 0, KIND[kind], replyBytes, 0);
      this.dataAt = headers.length;
      this.bytes = Buffer.concat([headers, frame(DATA, END_STREAM, 0, message)]);
    }
  }
}
