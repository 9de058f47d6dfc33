import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  concat,
  literalBlock,
  parseRawFrames,
  PREFACE,
  type RawFrame,
  rawFrame,
  setting,
  uint32,
} from '@steelyard/testkit';
import fc from 'fast-check';
import { Connection, type ConnectionOptions } from './connection.ts';
import { ErrorCode, errorCodeName } from './error-code.ts';
import { FrameType } from './frame.ts';
import type { ConnectionHandler, ResetCause } from './handler.ts';
import { createField } from './hpack/field.ts';
import { FieldCache } from './hpack/field-cache.ts';
import { HeaderBlock } from './hpack/header-block.ts';
import { BufferPool } from './output.ts';
import type { Stream } from './stream.ts';

const { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION } =
  FrameType;
const END_STREAM = 0x1;
const ACK = 0x1;
const END_HEADERS = 0x4;
const PADDED = 0x8;
const PRIORITY_FLAG = 0x20;

const REQUEST = literalBlock([
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/a.B/C'],
  [':authority', 'backend'],
]);
const RESPONSE = literalBlock([[':status', '200']]);
const TRAILERS = literalBlock([['grpc-status', '0']]);
const OK = HeaderBlock.of([createField(':status', '200')]);
const GRPC_OK = HeaderBlock.of([createField('grpc-status', '0')]);
const CALL = HeaderBlock.of([
  createField(':method', 'POST'),
  createField(':scheme', 'http'),
  createField(':path', '/'),
]);

/** A connection under test: raw frames in, raw frames out, and a protocol of what its handler was told. */
class Subject implements ConnectionHandler<string> {
  readonly connection: Connection<string>;
  readonly told: string[] = [];
  readonly streams = new Map<number, Stream<string>>();
  /** Gives credit back at once, as a reader that keeps up does. */
  consume = true;

  constructor(role: 'server' | 'client', options: Partial<ConnectionOptions> = {}) {
    this.connection = new Connection<string>(this, {
      role,
      fields: new FieldCache(64),
      buffers: new BufferPool(),
      ...options,
    });
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
      out = bytes.slice();
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

function describeFrame({ type, flags, streamId, payload }: RawFrame): string {
  const name = Object.entries(FrameType).find(([, number]) => number === type)?.[0] ?? String(type);
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

function request(id: number, flags = 0): Uint8Array {
  return rawFrame(HEADERS, END_HEADERS | flags, id, REQUEST);
}

describe('a server', () => {
  test('a unary call, in and out', () => {
    const server = new Subject('server');
    server.receive(request(1), rawFrame(DATA, END_STREAM, 1, [1, 2, 3]));
    assert.deepEqual(server.told.slice(1), [
      'headers 1 :method=POST :scheme=http :path=/a.B/C :authority=backend',
      'data 1 3 end',
    ]);
    const stream = server.stream(1);
    server.connection.sendHeaders(stream, OK, false);
    assert.equal(server.connection.sendData(stream, Uint8Array.of(9, 9), 0, 2, false), 2);
    server.connection.sendTrailers(stream, GRPC_OK);
    assert.deepEqual(server.said(), ['HEADERS 1', 'DATA 1 2', 'HEADERS 1 end']);
    assert.equal(server.connection.streamCount, 0);
    assert.equal(stream.closed, true);
  });

  test('a response that ends before the request resets the rest of it with NO_ERROR, and ignores what is on its way', () => {
    const server = new Subject('server');
    server.receive(request(1));
    server.connection.sendHeaders(server.stream(1), GRPC_OK, true);
    assert.deepEqual(server.said(), ['HEADERS 1 end', 'RST_STREAM 1 NO_ERROR']);
    server.receive(rawFrame(DATA, END_STREAM, 1, [1]), rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, TRAILERS));
    assert.deepEqual(server.said(), []);
    assert.equal(server.told.at(-1), 'headers 1 :method=POST :scheme=http :path=/a.B/C :authority=backend');
  });

  test('padding is dropped and its credit returned', () => {
    const server = new Subject('server', { streamWindow: 100 });
    server.receive(request(1), rawFrame(DATA, PADDED, 1, [40, 7, 7, ...Array.from({ length: 40 }, () => 0)]));
    assert.equal(server.told.at(-1), 'data 1 2');
    server.receive(rawFrame(DATA, PADDED, 1, [20, 7, ...Array.from({ length: 20 }, () => 0)]));
    assert.deepEqual(server.said(), ['WINDOW_UPDATE 1 65']);
  });

  test('a header block in pieces, padded and with a priority', () => {
    const server = new Subject('server');
    server.receive(
      rawFrame(HEADERS, PADDED | PRIORITY_FLAG | END_STREAM, 1, [3, ...uint32(0), 9, ...REQUEST.slice(0, 5), 0, 0, 0]),
      rawFrame(CONTINUATION, 0, 1, REQUEST.slice(5, 20)),
      rawFrame(CONTINUATION, END_HEADERS, 1, REQUEST.slice(20)),
    );
    assert.equal(server.told.at(-1), 'headers 1 :method=POST :scheme=http :path=/a.B/C :authority=backend end');
  });

  test('a stream above the limit is refused, and its header still decoded', () => {
    const server = new Subject('server', { maxConcurrentStreams: 1 });
    // x: y enters the dynamic table with the refused block, and is referred to by the next.
    const indexed = [...REQUEST, 0x40, 1, 0x78, 1, 0x79];
    server.receive(
      request(1),
      rawFrame(HEADERS, END_HEADERS | END_STREAM, 3, indexed),
      rawFrame(RST_STREAM, 0, 1, uint32(8)),
    );
    assert.deepEqual(server.said(), ['RST_STREAM 3 REFUSED_STREAM']);
    server.receive(rawFrame(HEADERS, END_HEADERS | END_STREAM, 5, [...REQUEST, 0xbe]));
    assert.match(server.told.at(-1) ?? '', /headers 5 .* x=y end/);
  });

  test('content-length must agree with DATA', () => {
    const lengths = literalBlock([['content-length', '3']]);
    for (const [payloads, agrees] of [
      [[[1, 2], [3]], true],
      [[[1, 2]], false],
      [
        [
          [1, 2],
          [3, 4],
        ],
        false,
      ],
      [[[]], false],
    ] as const) {
      const server = new Subject('server');
      server.receive(rawFrame(HEADERS, END_HEADERS, 1, [...REQUEST, ...lengths]));
      for (const [i, payload] of payloads.entries()) {
        server.receive(rawFrame(DATA, i === payloads.length - 1 ? END_STREAM : 0, 1, payload));
      }
      assert.deepEqual(server.said(), agrees ? [] : ['RST_STREAM 1 PROTOCOL_ERROR'], JSON.stringify(payloads));
      assert.equal(
        server.told.some((line) => line.endsWith(' end')),
        agrees,
      );
    }
  });

  test('shutdown: announced, then final after a round trip; streams below finish', () => {
    const server = new Subject('server');
    server.receive(request(1));
    server.connection.drain();
    const [announced, ping] = server.frames();
    assert.ok(announced && ping);
    assert.equal(describeFrame(announced), 'GOAWAY 2147483647 NO_ERROR');
    // What the client had already sent is still served.
    server.receive(request(3, END_STREAM), rawFrame(PING, ACK, 0, ping.payload));
    assert.deepEqual(server.said(), ['GOAWAY 3 NO_ERROR']);
    // What comes after is ignored: the client knows that nobody saw it.
    server.receive(request(5, END_STREAM), rawFrame(DATA, END_STREAM, 1));
    assert.equal(server.connection.streamCount, 2);
    assert.equal(server.told.includes('drained'), false);
    for (const id of [1, 3]) server.connection.sendHeaders(server.stream(id), GRPC_OK, true);
    assert.equal(server.told.at(-1), 'drained');
  });

  const fatal: readonly (readonly [why: string, code: keyof typeof ErrorCode, frames: readonly Uint8Array[]])[] = [
    ['HEADERS on stream 0', 'PROTOCOL_ERROR', [rawFrame(HEADERS, END_HEADERS, 0, REQUEST)]],
    ['an even stream', 'PROTOCOL_ERROR', [request(2)]],
    ['an id that goes backwards', 'PROTOCOL_ERROR', [request(5), request(3)]],
    ['DATA on an idle stream', 'PROTOCOL_ERROR', [rawFrame(DATA, 0, 1, [1])]],
    ['DATA on stream 0', 'PROTOCOL_ERROR', [rawFrame(DATA, 0, 0, [1])]],
    ['more padding than payload', 'PROTOCOL_ERROR', [request(1), rawFrame(DATA, PADDED, 1, [5, 1, 2])]],
    ['more padding than header', 'PROTOCOL_ERROR', [rawFrame(HEADERS, END_HEADERS | PADDED, 1, [200, ...REQUEST])]],
    ['a frame inside a block', 'PROTOCOL_ERROR', [rawFrame(HEADERS, 0, 1, REQUEST), rawFrame(PING, 0, 0, uint32(0))]],
    [
      'another stream inside a block',
      'PROTOCOL_ERROR',
      [rawFrame(HEADERS, 0, 1, REQUEST), rawFrame(CONTINUATION, 4, 3)],
    ],
    ['CONTINUATION out of nothing', 'PROTOCOL_ERROR', [rawFrame(CONTINUATION, END_HEADERS, 1, REQUEST)]],
    [
      'endless CONTINUATION',
      'ENHANCE_YOUR_CALM',
      [rawFrame(HEADERS, 0, 1, REQUEST), ...Array.from({ length: 20 }, () => rawFrame(CONTINUATION, 0, 1))],
    ],
    ['a broken block', 'COMPRESSION_ERROR', [rawFrame(HEADERS, END_HEADERS, 1, [0x80])]],
    ['PUSH_PROMISE', 'PROTOCOL_ERROR', [request(1), rawFrame(PUSH_PROMISE, END_HEADERS, 1, uint32(2))]],
    ['RST_STREAM on an idle stream', 'PROTOCOL_ERROR', [rawFrame(RST_STREAM, 0, 1, uint32(8))]],
    ['a short RST_STREAM', 'FRAME_SIZE_ERROR', [request(1), rawFrame(RST_STREAM, 0, 1, [1])]],
    ['WINDOW_UPDATE of 0 for the connection', 'PROTOCOL_ERROR', [rawFrame(WINDOW_UPDATE, 0, 0, uint32(0))]],
    ['a connection window past 2^31 - 1', 'FLOW_CONTROL_ERROR', [rawFrame(WINDOW_UPDATE, 0, 0, uint32(0x7fffffff))]],
    ['a SETTINGS length that is no multiple of 6', 'FRAME_SIZE_ERROR', [rawFrame(SETTINGS, 0, 0, [1, 2, 3])]],
    ['SETTINGS on a stream', 'PROTOCOL_ERROR', [rawFrame(SETTINGS, 0, 1)]],
    ['ENABLE_PUSH 2', 'PROTOCOL_ERROR', [rawFrame(SETTINGS, 0, 0, setting(2, 2))]],
    ['INITIAL_WINDOW_SIZE 2^31', 'FLOW_CONTROL_ERROR', [rawFrame(SETTINGS, 0, 0, setting(4, 0x80000000))]],
    ['MAX_FRAME_SIZE 100', 'PROTOCOL_ERROR', [rawFrame(SETTINGS, 0, 0, setting(5, 100))]],
    ['PING on a stream', 'PROTOCOL_ERROR', [rawFrame(PING, 0, 1, [...uint32(0), ...uint32(0)])]],
    ['a short PING', 'FRAME_SIZE_ERROR', [rawFrame(PING, 0, 0, uint32(0))]],
    ['a short GOAWAY', 'FRAME_SIZE_ERROR', [rawFrame(GOAWAY, 0, 0, uint32(0))]],
    ['a frame above MAX_FRAME_SIZE', 'FRAME_SIZE_ERROR', [rawFrame(HEADERS, 4, 1, new Uint8Array(16_385))]],
    [
      'HEADERS on a stream that has ended both ways',
      'STREAM_CLOSED',
      [request(1, END_STREAM), rawFrame(RST_STREAM, 0, 1, uint32(8)), request(1)],
    ],
  ];

  test('what ends the connection, and with which code', () => {
    for (const [why, code, frames] of fatal) {
      const server = new Subject('server');
      server.receive(...frames);
      assert.equal(server.told.at(-1), `error ${code}`, why);
      assert.match(server.said().at(-1) ?? '', new RegExp(`^GOAWAY \\d+ ${code}$`), why);
      assert.equal(server.connection.streamCount, 0, why);
      // Nothing is heard of it any more.
      const { length } = server.told;
      server.receive(request(101));
      assert.equal(server.told.length, length, why);
    }
  });

  const local: readonly (readonly [why: string, code: keyof typeof ErrorCode, frames: readonly Uint8Array[]])[] = [
    ['DATA after END_STREAM', 'STREAM_CLOSED', [request(1, END_STREAM), rawFrame(DATA, 0, 1, [1])]],
    ['HEADERS after END_STREAM', 'STREAM_CLOSED', [request(1, END_STREAM), rawFrame(HEADERS, 5, 1, TRAILERS)]],
    ['trailers that do not end', 'PROTOCOL_ERROR', [request(1), rawFrame(HEADERS, END_HEADERS, 1, TRAILERS)]],
    ['a malformed request', 'PROTOCOL_ERROR', [rawFrame(HEADERS, 5, 1, literalBlock([[':method', 'POST']]))]],
    ['WINDOW_UPDATE of 0', 'PROTOCOL_ERROR', [request(1), rawFrame(WINDOW_UPDATE, 0, 1, uint32(0))]],
    ['a window past 2^31 - 1', 'FLOW_CONTROL_ERROR', [request(1), rawFrame(WINDOW_UPDATE, 0, 1, uint32(0x7fffffff))]],
    ['a stream that depends on itself', 'PROTOCOL_ERROR', [request(1), rawFrame(PRIORITY, 0, 1, [...uint32(1), 9])]],
    ['a PRIORITY of four octets', 'FRAME_SIZE_ERROR', [request(1), rawFrame(PRIORITY, 0, 1, uint32(3))]],
  ];

  test('what ends a stream only, and leaves the others alone', () => {
    for (const [why, code, frames] of local) {
      const server = new Subject('server');
      server.receive(...frames);
      assert.deepEqual(server.said(), [`RST_STREAM 1 ${code}`], why);
      server.receive(request(3, END_STREAM));
      assert.match(server.told.at(-1) ?? '', /^headers 3 .* end$/, why);
    }
  });

  test('a preface that is none', () => {
    const subject = new Subject('client');
    const server = new Connection<string>(subject, {
      role: 'server',
      fields: new FieldCache(64),
      buffers: new BufferPool(),
    });
    server.receive(new TextEncoder().encode('GET / HTTP/1.1\r\n'));
    assert.equal(subject.told.at(-1), 'error PROTOCOL_ERROR');
  });
});

describe('flow control', () => {
  const big = new Uint8Array(200_000);

  test('sends as far as both windows allow, then as they grow', () => {
    const server = new Subject('server');
    server.receive(request(1, END_STREAM));
    const stream = server.stream(1);
    assert.equal(server.connection.sendData(stream, big, 0, 100_000, true), 65_535);
    assert.equal(server.connection.queuedLength, 34_465);
    assert.deepEqual(server.said(), ['DATA 1 16384', 'DATA 1 16384', 'DATA 1 16384', 'DATA 1 16383']);
    server.receive(rawFrame(WINDOW_UPDATE, 0, 1, uint32(1000)));
    assert.deepEqual(server.said(), [], 'the connection has no window');
    server.receive(rawFrame(WINDOW_UPDATE, 0, 0, uint32(50_000)));
    assert.deepEqual(server.said(), ['DATA 1 1000']);
    server.receive(rawFrame(WINDOW_UPDATE, 0, 1, uint32(50_000)));
    assert.deepEqual(server.said(), ['DATA 1 16384', 'DATA 1 16384', 'DATA 1 697 end']);
    assert.equal(server.connection.queuedLength, 0);
    assert.deepEqual(server.told.filter((line) => line.startsWith('sent')).length, 4);
  });

  test('trailers wait for the data before them', () => {
    const server = new Subject('server');
    server.receive(request(1, END_STREAM));
    const stream = server.stream(1);
    server.connection.sendHeaders(stream, OK, false);
    server.connection.sendData(stream, big, 0, 70_000, false);
    server.connection.sendTrailers(stream, GRPC_OK);
    assert.equal(server.said().length, 5);
    server.receive(rawFrame(WINDOW_UPDATE, 0, 0, uint32(99_999)), rawFrame(WINDOW_UPDATE, 0, 1, uint32(99_999)));
    assert.deepEqual(server.said(), ['DATA 1 4465', 'HEADERS 1 end']);
    assert.equal(stream.closed, true);
  });

  test('a socket that is full holds DATA back, not the rest', () => {
    const server = new Subject('server');
    server.receive(request(1, END_STREAM));
    server.connection.setWritable(false);
    server.connection.sendHeaders(server.stream(1), OK, false);
    assert.equal(server.connection.sendData(server.stream(1), big, 0, 10, true), 0);
    assert.deepEqual(server.said(), ['HEADERS 1']);
    server.connection.setWritable(true);
    assert.deepEqual(server.said(), ['DATA 1 10 end']);
  });

  test('streams that wait take turns', () => {
    const server = new Subject('server');
    server.receive(request(1, END_STREAM), request(3, END_STREAM));
    for (const id of [1, 3]) server.connection.sendData(server.stream(id), big, 0, 65_535, true);
    server.said();
    server.receive(rawFrame(WINDOW_UPDATE, 0, 1, uint32(65_535)), rawFrame(WINDOW_UPDATE, 0, 3, uint32(65_535)));
    server.receive(request(5, END_STREAM));
    server.connection.sendData(server.stream(5), big, 0, 40_000, true);
    server.receive(rawFrame(WINDOW_UPDATE, 0, 0, uint32(65_536)));
    assert.deepEqual(server.said(), ['DATA 3 16384', 'DATA 5 16384', 'DATA 3 16384', 'DATA 5 16384']);
  });

  test('RFC 9113 §6.9.2: a smaller initial window can make windows negative', () => {
    const server = new Subject('server');
    server.receive(request(1, END_STREAM));
    server.connection.sendData(server.stream(1), big, 0, 65_535, false);
    server.receive(rawFrame(SETTINGS, 0, 0, setting(4, 10)), rawFrame(WINDOW_UPDATE, 0, 0, uint32(99_999)));
    server.said();
    assert.equal(server.stream(1).sendWindow, 10 - 65_535);
    server.connection.sendData(server.stream(1), big, 0, 5, true);
    server.receive(rawFrame(WINDOW_UPDATE, 0, 1, uint32(65_525)));
    assert.deepEqual(server.said(), []);
    server.receive(rawFrame(WINDOW_UPDATE, 0, 1, uint32(3)));
    assert.deepEqual(server.said(), ['DATA 1 3']);
    server.receive(rawFrame(SETTINGS, 0, 0, setting(4, 20)));
    assert.deepEqual(server.said(), ['DATA 1 2 end', 'SETTINGS ack']);
  });

  test('a handler that does not consume holds its sender, and only on that stream', () => {
    const server = new Subject('server', { streamWindow: 65_535, connectionWindow: 131_070 });
    server.consume = false;
    const full = [16_384, 16_384, 16_384, 16_383].map((size) => new Uint8Array(size));
    server.receive(request(1), ...full.map((payload) => rawFrame(DATA, 0, 1, payload)));
    // Only the credit of the connection has come back.
    assert.deepEqual(server.said(), ['WINDOW_UPDATE 0 65535']);
    server.receive(rawFrame(DATA, 0, 1, [1]));
    assert.deepEqual(server.said(), ['RST_STREAM 1 FLOW_CONTROL_ERROR']);
    server.receive(request(3), ...full.map((payload) => rawFrame(DATA, 0, 3, payload)));
    assert.equal(server.told.at(-1), 'data 3 16383');
    server.connection.consume(server.stream(3), 40_000);
    assert.equal(server.said().at(-1), 'WINDOW_UPDATE 3 40000');
  });
});

describe('a client', () => {
  function call(client: Subject, endStream = true): Stream<string> {
    const stream = client.connection.request(CALL, endStream, 'context');
    client.streams.set(stream.id, stream);
    return stream;
  }

  test('a call, in and out', () => {
    const client = new Subject('client');
    const stream = call(client);
    assert.deepEqual(client.said(), ['HEADERS 1 end']);
    client.receive(
      rawFrame(HEADERS, END_HEADERS, 1, literalBlock([[':status', '103']])),
      rawFrame(HEADERS, END_HEADERS, 1, RESPONSE),
      rawFrame(DATA, 0, 1, [1, 2]),
      rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, TRAILERS),
    );
    assert.deepEqual(client.told.slice(1), [
      'headers 1 :status=103',
      'headers 1 :status=200',
      'data 1 2',
      'trailers 1 grpc-status=0',
    ]);
    assert.equal(stream.closed, true);
    assert.equal(stream.context, 'context');
  });

  test('GOAWAY: streams above the last id were not processed, the others go on', () => {
    const client = new Subject('client');
    const [, second, third] = [call(client), call(client), call(client)];
    client.receive(rawFrame(GOAWAY, 0, 0, [...uint32(3), ...uint32(0)]));
    assert.deepEqual(client.told.slice(1), ['goaway 3 NO_ERROR', 'reset 5 REFUSED_STREAM unprocessed']);
    assert.equal(third?.closed, true);
    assert.equal(client.connection.canOpen, false);
    client.receive(rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, RESPONSE));
    assert.equal(client.told.includes('drained'), false);
    client.receive(rawFrame(RST_STREAM, 0, second?.id ?? 0, uint32(8)));
    assert.deepEqual(client.told.slice(-2), ['drained', 'reset 3 CANCEL peer']);
  });

  test('MAX_CONCURRENT_STREAMS binds', () => {
    const client = new Subject('client');
    client.receive(rawFrame(SETTINGS, 0, 0, setting(3, 2)));
    call(client);
    assert.equal(client.connection.canOpen, true);
    const second = call(client);
    assert.equal(client.connection.canOpen, false);
    client.connection.reset(second, ErrorCode.CANCEL);
    assert.equal(client.connection.canOpen, true);
  });

  test('malformed responses reset their stream', () => {
    for (const frames of [
      [rawFrame(HEADERS, END_HEADERS, 1, TRAILERS)],
      [rawFrame(DATA, 0, 1, [1])],
      [rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, literalBlock([[':status', '100']]))],
      [rawFrame(HEADERS, END_HEADERS, 1, RESPONSE), rawFrame(HEADERS, END_HEADERS, 1, TRAILERS)],
      [rawFrame(HEADERS, END_HEADERS, 1, RESPONSE), rawFrame(HEADERS, 5, 1, RESPONSE)],
    ]) {
      const client = new Subject('client');
      call(client);
      client.said();
      client.receive(...frames);
      assert.deepEqual(client.said(), ['RST_STREAM 1 PROTOCOL_ERROR']);
      assert.equal(client.told.at(-1), 'reset 1 PROTOCOL_ERROR malformed');
    }
  });

  test('a lost socket ends every call once', () => {
    const client = new Subject('client');
    call(client);
    call(client);
    client.connection.abandon('gone');
    client.connection.abandon('gone');
    assert.deepEqual(client.told.slice(1), ['reset 1 CANCEL connection', 'reset 3 CANCEL connection']);
  });
});

test('frames arrive the same however the octets are cut', () => {
  const wire = concat(
    request(1),
    rawFrame(
      DATA,
      0,
      1,
      Array.from({ length: 300 }, (_, i) => i & 0xff),
    ),
    rawFrame(DATA, PADDED | END_STREAM, 1, [
      10,
      ...Array.from({ length: 60 }, () => 5),
      ...Array.from({ length: 10 }, () => 0),
    ]),
    rawFrame(HEADERS, 0, 3, REQUEST.slice(0, 10)),
    rawFrame(CONTINUATION, END_HEADERS, 3, REQUEST.slice(10)),
    rawFrame(PING, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]),
    rawFrame(DATA, END_STREAM, 3),
  );
  const told = (chunks: readonly Uint8Array[]): string[] => {
    const server = new Subject('server');
    for (const chunk of chunks) server.receive(chunk);
    const sums = new Map<string, number>();
    const rest: string[] = [];
    for (const line of server.told) {
      const match = /^data (?<id>\d+) (?<count>\d+)(?<end> end)?$/.exec(line)?.groups;
      if (match === undefined) rest.push(line);
      else sums.set(`${match['id']}`, (sums.get(`${match['id']}`) ?? 0) + Number(match['count']));
      if (match?.['end'] !== undefined) rest.push(`end ${match['id']}`);
    }
    return [...rest, JSON.stringify([...sums]), ...server.said()];
  };
  const whole = told([wire]);
  assert.ok(whole.includes('[["1",360],["3",0]]'), whole.join('\n'));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: wire.length - 1 }), { maxLength: 60 }), (cuts) => {
      const at = [0, ...new Set(cuts.toSorted((a, b) => a - b)), wire.length];
      assert.deepEqual(told(at.slice(1).map((end, i) => wire.subarray(at[i], end))), whole);
    }),
  );
});
