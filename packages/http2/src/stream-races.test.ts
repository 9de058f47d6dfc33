// What crosses on the wire: each side has acted before it hears what the other did.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CALL,
  ConnectionSubject,
  FLAG,
  FRAME,
  GRPC_OK,
  OK,
  rawFrame,
  REQUEST,
  request,
  RESPONSE,
  setting,
  TRAILERS,
  uint32,
} from '@steelyard/testkit';
import { ErrorCode } from './error-code.ts';
import type { Stream } from './stream.ts';

const { CONTINUATION, DATA, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE } = FRAME;
const { ACK, END_HEADERS, END_STREAM } = FLAG;

function callOn(client: ConnectionSubject, endStream = true): Stream<string> {
  const stream = client.connection.request(CALL, endStream, 'context');
  client.streams.set(stream.id, stream);
  return stream;
}

describe('half-closed, in both orders', () => {
  test('server: the request ends first', () => {
    const server = new ConnectionSubject('server');
    server.receive(request(1), rawFrame(DATA, END_STREAM, 1, [1]));
    server.connection.sendHeaders(server.stream(1), OK, false);
    server.connection.sendTrailers(server.stream(1), GRPC_OK);
    assert.deepEqual(server.said(), ['HEADERS 1', 'HEADERS 1 end']);
    assert.equal(server.stream(1).closed, true);
  });

  test('server: the response ends first; the end of the request crosses our RST_STREAM', () => {
    const server = new ConnectionSubject('server');
    server.receive(request(1));
    server.connection.sendHeaders(server.stream(1), GRPC_OK, true);
    assert.deepEqual(server.said(), ['HEADERS 1 end', 'RST_STREAM 1 NO_ERROR']);
    server.receive(rawFrame(DATA, END_STREAM, 1, [1]), rawFrame(RST_STREAM, 0, 1, uint32(8)));
    assert.deepEqual(server.said(), []);
    assert.equal(
      server.told.some((line) => line.startsWith('error') || line.startsWith('reset')),
      false,
    );
  });

  test('client: the request ends first', () => {
    const client = new ConnectionSubject('client');
    const stream = callOn(client);
    client.receive(rawFrame(HEADERS, END_HEADERS, 1, RESPONSE), rawFrame(HEADERS, 5, 1, TRAILERS));
    assert.equal(stream.closed, true);
    assert.equal(client.told.at(-1), 'trailers 1 grpc-status=0');
  });

  test('client: the response ends first, with RST_STREAM(NO_ERROR) behind it (§8.1)', () => {
    const client = new ConnectionSubject('client');
    const stream = callOn(client, false);
    client.receive(rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, RESPONSE));
    assert.equal(client.told.at(-1), 'headers 1 :status=200 end');
    assert.equal(stream.closed, false, 'the rest of the request may still go');
    client.connection.sendData(stream, Uint8Array.of(1), 0, 1, false);
    client.receive(rawFrame(RST_STREAM, 0, 1, uint32(ErrorCode.NO_ERROR)));
    assert.equal(client.told.at(-1), 'reset 1 NO_ERROR peer');
    assert.equal(stream.closed, true);
    client.raw();
    client.connection.sendData(stream, Uint8Array.of(1), 0, 1, true);
    assert.deepEqual(client.said(), [], 'nothing goes out on a closed stream');
  });

  test('client: the response ends first and our end comes later', () => {
    const client = new ConnectionSubject('client');
    const stream = callOn(client, false);
    client.receive(rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, RESPONSE));
    client.connection.sendData(stream, Uint8Array.of(1), 0, 1, true);
    assert.deepEqual(client.said(), ['HEADERS 1', 'DATA 1 1 end']);
    assert.equal(stream.closed, true);
    assert.equal(client.connection.streamCount, 0);
  });
});

describe('RST_STREAM in both directions at once', () => {
  for (const role of ['server', 'client'] as const) {
    test(`${role}: each is heard of once, neither is answered`, () => {
      const subject = new ConnectionSubject(role);
      if (role === 'server') subject.receive(request(1));
      else callOn(subject);
      subject.connection.reset(subject.stream(1), ErrorCode.CANCEL);
      subject.raw();
      subject.receive(rawFrame(RST_STREAM, 0, 1, uint32(8)));
      subject.connection.reset(subject.stream(1), ErrorCode.CANCEL);
      assert.deepEqual(subject.said(), []);
      assert.equal(
        subject.told.some((line) => line.startsWith('reset') || line.startsWith('error')),
        false,
      );
    });
  }
});

describe('frames after a reset', () => {
  /** x: y enters the dynamic table; a later block refers to it by 0xbe. */
  const indexed = [0x40, 1, 0x78, 1, 0x79];

  test('server: after ours all frames are ignored, HPACK is decoded and the credit of the connection returned', () => {
    const server = new ConnectionSubject('server', { streamWindow: 65_535, connectionWindow: 65_535 });
    server.receive(request(1));
    server.connection.reset(server.stream(1), ErrorCode.CANCEL);
    server.raw();
    server.receive(
      ...[16_384, 16_384].map((size) => rawFrame(DATA, 0, 1, new Uint8Array(size))),
      rawFrame(WINDOW_UPDATE, 0, 1, uint32(5)),
      rawFrame(HEADERS, 0, 1, indexed.slice(0, 2)),
      rawFrame(CONTINUATION, END_HEADERS, 1, indexed.slice(2)),
    );
    assert.deepEqual(server.said(), ['WINDOW_UPDATE 0 32768']);
    server.receive(rawFrame(HEADERS, END_HEADERS | END_STREAM, 3, [...REQUEST, 0xbe]));
    assert.match(server.told.at(-1) ?? '', /^headers 3 .* x=y end$/);
  });

  test('client: the same', () => {
    const client = new ConnectionSubject('client', { connectionWindow: 65_535 });
    const [first] = [callOn(client), callOn(client)];
    client.connection.reset(first ?? assert.fail(), ErrorCode.CANCEL);
    client.raw();
    client.receive(
      rawFrame(HEADERS, END_HEADERS, 1, [...RESPONSE, ...indexed]),
      ...[16_384, 16_384].map((size) => rawFrame(DATA, 0, 1, new Uint8Array(size))),
      rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, TRAILERS),
    );
    assert.deepEqual(client.said(), ['WINDOW_UPDATE 0 32768']);
    client.receive(rawFrame(HEADERS, END_HEADERS, 3, [...RESPONSE, 0xbe]));
    assert.equal(client.told.at(-1), 'headers 3 :status=200 x=y');
  });

  test('after the peer’s own reset it may send nothing more (§5.1)', () => {
    for (const [role, frame] of [
      ['server', rawFrame(DATA, 0, 1, [1])],
      ['server', rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, TRAILERS)],
      ['client', rawFrame(DATA, 0, 1, [1])],
      ['client', rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, TRAILERS)],
    ] as const) {
      const subject = new ConnectionSubject(role);
      if (role === 'server') subject.receive(request(1));
      else callOn(subject);
      subject.receive(rawFrame(RST_STREAM, 0, 1, uint32(8)), frame);
      assert.equal(subject.told.at(-1), 'error STREAM_CLOSED', role);
    }
  });

  test('a block that cannot be decoded ends the connection, also on a stream that was reset', () => {
    const server = new ConnectionSubject('server');
    server.receive(request(1));
    server.connection.reset(server.stream(1), ErrorCode.CANCEL);
    server.receive(rawFrame(HEADERS, END_HEADERS, 1, [0xff, 0xff, 0xff, 0xff, 0xff]));
    assert.equal(server.told.at(-1), 'error COMPRESSION_ERROR');
  });
});

describe('every block is decoded, whatever happens to its stream (RFC 7541 §2.2)', () => {
  const entry = [0x40, 1, 0x78, 1, 0x79];
  const unwanted: readonly (readonly [why: string, prepare: (server: ConnectionSubject) => number])[] = [
    [
      'malformed',
      (server) => {
        server.receive(rawFrame(HEADERS, END_HEADERS, 1, [...REQUEST, ...entry, 0, 1, 0x41, 0]));
        return 3;
      },
    ],
    [
      'refused',
      (server) => {
        server.receive(request(1), rawFrame(HEADERS, END_HEADERS, 3, [...REQUEST, ...entry]));
        server.receive(rawFrame(RST_STREAM, 0, 1, uint32(8)));
        return 5;
      },
    ],
    [
      'opened and reset in one read',
      (server) => {
        server.receive(
          rawFrame(HEADERS, END_HEADERS, 1, [...REQUEST, ...entry]),
          rawFrame(RST_STREAM, 0, 1, uint32(8)),
        );
        return 3;
      },
    ],
    [
      'that depends on itself',
      (server) => {
        const priority = [...uint32(1), 9];
        server.receive(rawFrame(HEADERS, END_HEADERS | FLAG.PRIORITY, 1, [...priority, ...REQUEST, ...entry]));
        return 3;
      },
    ],
    [
      'with more fields than allowed',
      (server) => {
        const many = Array.from({ length: 200 }, () => [0, 1, 0x7a, 0]).flat();
        server.receive(rawFrame(HEADERS, END_HEADERS, 1, [...REQUEST, ...many, ...entry]));
        server.connection.reset(server.stream(1), ErrorCode.CANCEL);
        return 3;
      },
    ],
    [
      'after its END_STREAM',
      (server) => {
        server.receive(request(1, END_STREAM), rawFrame(HEADERS, END_HEADERS, 1, entry));
        return 3;
      },
    ],
  ];
  for (const [why, prepare] of unwanted) {
    test(`a request ${why}`, () => {
      const server = new ConnectionSubject('server', { maxConcurrentStreams: 1 });
      const next = prepare(server);
      server.receive(rawFrame(HEADERS, END_HEADERS | END_STREAM, next, [...REQUEST, 0xbe]));
      assert.match(server.told.at(-1) ?? '', new RegExp(`^headers ${next} .* x=y end$`));
    });
  }

  test('a request above the last id of our GOAWAY', () => {
    const server = new ConnectionSubject('server');
    server.receive(request(1));
    server.connection.drain();
    const ping = server.frames().find(({ type }) => type === PING);
    for (let round = 0; round < 2; round++) server.receive(rawFrame(PING, ACK, 0, ping?.payload ?? []));
    server.receive(rawFrame(HEADERS, END_HEADERS, 3, [...REQUEST, ...entry]));
    server.receive(rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, [0xbe]));
    assert.equal(server.told.at(-1), 'trailers 1 x=y');
  });
});

describe('GOAWAY', () => {
  const goAway = (lastId: number): Uint8Array => rawFrame(GOAWAY, 0, 0, [...uint32(lastId), ...uint32(0)]);

  test('two phases: the announcement touches nothing, the last id does', () => {
    const client = new ConnectionSubject('client');
    for (let i = 0; i < 3; i++) callOn(client);
    client.receive(goAway(0x7fffffff));
    assert.deepEqual(client.told.slice(1), ['goaway 2147483647 NO_ERROR']);
    assert.equal(client.connection.canOpen, false);
    client.receive(goAway(1));
    assert.deepEqual(client.told.slice(2), [
      'goaway 1 NO_ERROR',
      'reset 3 REFUSED_STREAM unprocessed',
      'reset 5 REFUSED_STREAM unprocessed',
    ]);
    // What the server has sent for them before it knew is ignored.
    client.receive(rawFrame(HEADERS, END_HEADERS, 3, RESPONSE), rawFrame(DATA, 0, 5, [1]));
    assert.equal(client.connection.streamCount, 1);
    client.receive(rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, RESPONSE));
    assert.deepEqual(client.told.slice(-2), ['headers 1 :status=200 end', 'drained']);
  });

  test('an error code changes nothing for streams below', () => {
    const client = new ConnectionSubject('client');
    const stream = callOn(client);
    client.receive(rawFrame(GOAWAY, 0, 0, [...uint32(1), ...uint32(ErrorCode.ENHANCE_YOUR_CALM)]));
    assert.equal(stream.closed, false);
  });

  test('to a server it means that no more requests come; those under way are served', () => {
    const server = new ConnectionSubject('server');
    server.receive(request(1, END_STREAM), goAway(0));
    server.connection.sendHeaders(server.stream(1), GRPC_OK, true);
    assert.deepEqual(server.said(), ['HEADERS 1 end']);
    assert.equal(server.told.at(-1), 'drained');
  });
});

describe('what we announce binds once it is acknowledged (§6.5.3)', () => {
  const full = [16_384, 16_384, 16_384, 16_383].map((size) => new Uint8Array(size));

  test('a smaller window: the default holds before, what was sent counts after', () => {
    const server = new ConnectionSubject('server', { streamWindow: 1000 }, 'no greeting');
    server.consume = false;
    server.receive(new TextEncoder().encode('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), rawFrame(SETTINGS, 0, 0));
    server.receive(request(1), ...full.map((payload) => rawFrame(DATA, 0, 1, payload)));
    assert.equal(server.stream(1).closed, false, '65,535 octets before the acknowledgement');
    server.receive(rawFrame(SETTINGS, ACK, 0));
    assert.equal(server.stream(1).receiveWindow, 1000 - 65_535);
    server.receive(request(3), rawFrame(DATA, 0, 3, new Uint8Array(1000)));
    assert.equal(server.told.at(-1), 'data 3 1000');
    server.receive(rawFrame(DATA, 0, 3, [1]));
    assert.equal(server.told.at(-1), 'reset 3 FLOW_CONTROL_ERROR malformed');
  });

  test('a larger one is granted at once: the peer may have read it before we know', () => {
    const server = new ConnectionSubject('server', { streamWindow: 100_000 }, 'no greeting');
    server.consume = false;
    server.receive(new TextEncoder().encode('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), rawFrame(SETTINGS, 0, 0));
    server.receive(request(1), ...full.map((payload) => rawFrame(DATA, 0, 1, payload)));
    server.receive(rawFrame(DATA, 0, 1, new Uint8Array(10_000)));
    assert.equal(server.stream(1).closed, false);
  });

  test('theirs binds us at once, and is acknowledged in order', () => {
    const client = new ConnectionSubject('client');
    client.receive(rawFrame(SETTINGS, 0, 0, setting(4, 10)), rawFrame(SETTINGS, 0, 0, setting(4, 20)));
    const stream = callOn(client, false);
    assert.equal(client.connection.sendData(stream, new Uint8Array(50), 0, 50, false), 20);
    assert.deepEqual(client.said(), ['SETTINGS ack', 'SETTINGS ack', 'HEADERS 1', 'DATA 1 20']);
  });
});
