import assert from 'node:assert/strict';
import {
  BufferPool,
  Connection,
  type ConnectionHandler,
  createField,
  errorCodeName,
  FieldCache,
  HeaderBlock,
  type Limits,
  type MemoryBudget,
  type ResetCause,
  type Stream,
} from '@steelyard/http2';
import { concat, literalBlock, parseRawFrames, PREFACE, type RawFrame, rawFrame } from './raw-frames.ts';

/** RFC 9113 §6, written down apart from the code under test. */
export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const FLAG = { END_STREAM: 0x1, ACK: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20 } as const;

const { DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE } = FRAME;
const { ACK, END_STREAM, END_HEADERS } = FLAG;

export const REQUEST: readonly number[] = literalBlock([
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/a.B/C'],
  [':authority', 'backend'],
]);
export const RESPONSE: readonly number[] = literalBlock([[':status', '200']]);
export const TRAILERS: readonly number[] = literalBlock([['grpc-status', '0']]);
export const OK: HeaderBlock = HeaderBlock.of([createField(':status', '200')]);
export const GRPC_OK: HeaderBlock = HeaderBlock.of([createField('grpc-status', '0')]);
export const CALL: HeaderBlock = HeaderBlock.of([
  createField(':method', 'POST'),
  createField(':scheme', 'http'),
  createField(':path', '/'),
]);

/** A connection under test: raw frames in, raw frames out, and a protocol of what its handler was told. */
export class ConnectionSubject implements ConnectionHandler<string> {
  readonly connection: Connection<string>;
  readonly role: 'server' | 'client';
  /** The clock, in milliseconds: the test's to set. */
  now = 0;
  readonly told: string[] = [];
  readonly streams: Map<number, Stream<string>> = new Map();
  /** Gives credit back at once, as a reader that keeps up does. */
  consume = true;

  constructor(
    role: 'server' | 'client',
    limits: Partial<Limits> = {},
    greeting: 'greeted' | 'no greeting' = 'greeted',
    memory?: MemoryBudget,
  ) {
    this.role = role;
    this.connection = new Connection<string>(this, {
      role,
      fields: new FieldCache(64),
      buffers: new BufferPool(),
      limits,
      ...(memory && { memory }),
      now: () => this.now,
    });
    if (greeting === 'no greeting') return;
    if (role === 'server') this.receive(PREFACE);
    this.receive(rawFrame(SETTINGS, 0, 0), rawFrame(SETTINGS, ACK, 0));
    this.raw();
  }

  receive(...frames: Uint8Array[]): void {
    this.connection.receive(concat(...frames));
  }

  /** What is in the output, as octets. */
  raw(): Uint8Array {
    let out: Uint8Array = new Uint8Array(0);
    this.connection.flush((bytes) => {
      out = concat(out, bytes);
      return true;
    });
    return out;
  }

  frames(): RawFrame[] {
    return parseRawFrames(this.raw());
  }

  /** The frames in the output, in words: `RST_STREAM 1 CANCEL`. */
  said(): string[] {
    return this.frames().map(describeFrame);
  }

  stream(id: number): Stream<string> {
    const stream = this.streams.get(id);
    assert.ok(stream, `the handler knows no stream ${id}`);
    return stream;
  }

  onHeaders(stream: Stream<string>, block: HeaderBlock, endStream: boolean): void {
    this.streams.set(stream.id, stream);
    this.told.push(`headers ${stream.id} ${text(block)}${endStream ? ' end' : ''}`);
  }
  onData(stream: Stream<string>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    this.told.push(`data ${stream.id} ${end - start}${endStream ? ' end' : ''}`);
    if (this.consume) this.connection.consume(stream, end - start);
    assert.ok(bytes.length >= end);
  }
  onTrailers(stream: Stream<string>, block: HeaderBlock): void {
    this.told.push(`trailers ${stream.id} ${text(block)}`);
  }
  onSent(stream: Stream<string>, count: number): void {
    this.told.push(`sent ${stream.id} ${count}`);
  }
  onReset(stream: Stream<string>, code: number, cause: ResetCause): void {
    this.told.push(`reset ${stream.id} ${errorCodeName(code)} ${cause}`);
  }
  onGoAway(lastStreamId: number, code: number): void {
    this.told.push(`goaway ${lastStreamId} ${errorCodeName(code)}`);
  }
  onSettings(): void {
    this.told.push('settings');
  }
  onDrained(): void {
    this.told.push('drained');
  }
  onConnectionError(error: { readonly code: number }): void {
    this.told.push(`error ${errorCodeName(error.code)}`);
  }
  onOutput(): void {
    // The tests look at the output themselves.
  }
}

function text(block: HeaderBlock): string {
  return block.fields
    .slice(0, block.count)
    .map((field) => `${field.name.text}=${field.text}`)
    .join(' ');
}

export function describeFrame({ type, flags, streamId, payload }: RawFrame): string {
  const name = Object.entries(FRAME).find(([, number]) => number === type)?.[0] ?? String(type);
  const number = new DataView(payload.buffer);
  switch (type) {
    case RST_STREAM:
      return `RST_STREAM ${streamId} ${errorCodeName(number.getUint32(0))}`;
    case GOAWAY:
      return `GOAWAY ${number.getUint32(0)} ${errorCodeName(number.getUint32(4))}`;
    case WINDOW_UPDATE:
      return `WINDOW_UPDATE ${streamId} ${number.getUint32(0)}`;
    case DATA:
      return `DATA ${streamId} ${payload.length}${(flags & END_STREAM) === 0 ? '' : ' end'}`;
    case HEADERS:
      return `HEADERS ${streamId}${(flags & END_STREAM) === 0 ? '' : ' end'}`;
    case SETTINGS:
    case PING:
      return `${name}${(flags & ACK) === 0 ? '' : ' ack'}`;
    default:
      return `${name} ${streamId}`;
  }
}

export function request(id: number, flags = 0): Uint8Array {
  return rawFrame(HEADERS, END_HEADERS | flags, id, REQUEST);
}
