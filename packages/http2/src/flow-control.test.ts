import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConnectionSubject, FLAG, FRAME, GRPC_OK, OK, rawFrame, request, setting, uint32 } from '@steelyard/testkit';

const { DATA, SETTINGS, WINDOW_UPDATE } = FRAME;
const { END_STREAM } = FLAG;

describe('flow control', () => {
  const big = new Uint8Array(200_000);

  test('sends as far as both windows allow, then as they grow', () => {
    const server = new ConnectionSubject('server');
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

  test('what follows in the same turn goes into the same frame, and nothing else does', () => {
    const server = new ConnectionSubject('server');
    server.receive(request(1, END_STREAM), request(3, END_STREAM));
    const send = (id: number, end = false): unknown => server.connection.sendData(server.stream(id), big, 0, 8, end);
    server.said();
    send(1);
    send(1);
    send(3);
    send(1);
    send(1, true);
    assert.deepEqual(server.said(), ['DATA 1 16', 'DATA 3 8', 'DATA 1 16 end']);
    send(3);
    assert.deepEqual(server.said(), ['DATA 3 8']);
    // Another frame of just that length, in the same memory.
    server.receive(rawFrame(FRAME.PING, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]));
    send(3);
    const frames = server.said();
    assert.equal(frames.length, 2, frames.join());
    assert.match(frames[0] ?? '', /^PING/);
    assert.equal(frames[1], 'DATA 3 8');
  });

  test('trailers wait for the data before them', () => {
    const server = new ConnectionSubject('server');
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
    const server = new ConnectionSubject('server');
    server.receive(request(1, END_STREAM));
    server.connection.setWritable(false);
    server.connection.sendHeaders(server.stream(1), OK, false);
    assert.equal(server.connection.sendData(server.stream(1), big, 0, 10, true), 0);
    assert.deepEqual(server.said(), ['HEADERS 1']);
    server.connection.setWritable(true);
    assert.deepEqual(server.said(), ['DATA 1 10 end']);
  });

  test('streams that wait take turns', () => {
    const server = new ConnectionSubject('server');
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
    const server = new ConnectionSubject('server');
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
    assert.deepEqual(server.said(), ['SETTINGS ack', 'DATA 1 2 end']);
  });

  test('a handler that does not consume holds its sender, and only on that stream', () => {
    const server = new ConnectionSubject('server', { streamWindow: 65_535, connectionWindow: 131_070 });
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
