import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ConnectionSubject,
  FLAG,
  FRAME,
  GRPC_OK,
  OK,
  REQUEST,
  TRAILERS,
  describeFrame,
  literalBlock,
  rawFrame,
  request,
  setting,
  uint32,
} from '@steelyard/testkit';
import { Connection } from './connection.ts';
import type { ErrorCode } from './error-code.ts';
import { FieldCache } from './hpack/field-cache.ts';
import { BufferPool } from './output.ts';

const { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION } =
  FRAME;
const { ACK, END_STREAM, END_HEADERS, PADDED } = FLAG;

describe('a server', () => {
  test('a unary call, in and out', () => {
    const server = new ConnectionSubject('server');
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
    const server = new ConnectionSubject('server');
    server.receive(request(1));
    server.connection.sendHeaders(server.stream(1), GRPC_OK, true);
    assert.deepEqual(server.said(), ['HEADERS 1 end', 'RST_STREAM 1 NO_ERROR']);
    server.receive(rawFrame(DATA, END_STREAM, 1, [1]), rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, TRAILERS));
    assert.deepEqual(server.said(), []);
    assert.equal(server.told.at(-1), 'headers 1 :method=POST :scheme=http :path=/a.B/C :authority=backend');
  });

  test('padding is dropped and its credit returned', () => {
    const server = new ConnectionSubject('server', { streamWindow: 100 });
    server.receive(request(1), rawFrame(DATA, PADDED, 1, [40, 7, 7, ...Array.from({ length: 40 }, () => 0)]));
    assert.equal(server.told.at(-1), 'data 1 2');
    server.receive(rawFrame(DATA, PADDED, 1, [20, 7, ...Array.from({ length: 20 }, () => 0)]));
    assert.deepEqual(server.said(), ['WINDOW_UPDATE 1 65']);
  });

  test('a header block in pieces, padded and with a priority', () => {
    const server = new ConnectionSubject('server');
    server.receive(
      rawFrame(HEADERS, PADDED | FLAG.PRIORITY | END_STREAM, 1, [3, ...uint32(0), 9, ...REQUEST.slice(0, 5), 0, 0, 0]),
      rawFrame(CONTINUATION, 0, 1, REQUEST.slice(5, 20)),
      rawFrame(CONTINUATION, END_HEADERS, 1, REQUEST.slice(20)),
    );
    assert.equal(server.told.at(-1), 'headers 1 :method=POST :scheme=http :path=/a.B/C :authority=backend end');
  });

  test('a stream above the limit is refused, and its header still decoded', () => {
    const server = new ConnectionSubject('server', { maxConcurrentStreams: 1 });
    // x: y enters the dynamic table with the refused block, and is referred to by the next.
    const indexed = [...REQUEST, 0x40, 1, 0x78, 1, 0x79];
    server.receive(request(1), rawFrame(HEADERS, END_HEADERS | END_STREAM, 3, indexed));
    server.receive(rawFrame(RST_STREAM, 0, 1, uint32(8)));
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
      const server = new ConnectionSubject('server');
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

  test('shutdown: announced, then final after two round trips; streams below finish', () => {
    const server = new ConnectionSubject('server');
    server.receive(request(1));
    server.connection.drain();
    const [announced, ping] = server.frames();
    assert.ok(announced && ping);
    assert.equal(describeFrame(announced), 'GOAWAY 2147483647 NO_ERROR');
    // What the client had already sent is still served, and what it had queued behind its answer (nghttp2 does).
    server.receive(rawFrame(PING, ACK, 0, ping.payload), request(3, END_STREAM));
    assert.deepEqual(server.said(), ['PING']);
    server.receive(rawFrame(PING, ACK, 0, ping.payload));
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
      const server = new ConnectionSubject('server');
      for (const frame of frames) server.receive(frame);
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
      const server = new ConnectionSubject('server');
      server.receive(...frames);
      assert.deepEqual(server.said(), [`RST_STREAM 1 ${code}`], why);
      server.receive(request(3, END_STREAM));
      assert.match(server.told.at(-1) ?? '', /^headers 3 .* end$/, why);
    }
  });

  test('a preface that is none', () => {
    const subject = new ConnectionSubject('client');
    const server = new Connection<string>(subject, {
      role: 'server',
      fields: new FieldCache(64),
      buffers: new BufferPool(),
      now: () => 0,
    });
    server.receive(new TextEncoder().encode('GET / HTTP/1.1\r\n'));
    assert.equal(subject.told.at(-1), 'error PROTOCOL_ERROR');
  });
});
