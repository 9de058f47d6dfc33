import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CALL,
  ConnectionSubject,
  FLAG,
  FRAME,
  RESPONSE,
  TRAILERS,
  literalBlock,
  rawFrame,
  setting,
  uint32,
} from '@steelyard/testkit';
import { ErrorCode } from './error-code.ts';
import type { Stream } from './stream.ts';

const { DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY } = FRAME;
const { END_STREAM, END_HEADERS } = FLAG;

describe('a client', () => {
  function call(client: ConnectionSubject, endStream = true): Stream<string> {
    const stream = client.connection.request(CALL, endStream, 'context');
    client.streams.set(stream.id, stream);
    return stream;
  }

  test('a call, in and out', () => {
    const client = new ConnectionSubject('client');
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
    const client = new ConnectionSubject('client');
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
    const client = new ConnectionSubject('client');
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
      const client = new ConnectionSubject('client');
      call(client);
      client.said();
      client.receive(...frames);
      assert.deepEqual(client.said(), ['RST_STREAM 1 PROTOCOL_ERROR']);
      assert.equal(client.told.at(-1), 'reset 1 PROTOCOL_ERROR malformed');
    }
  });

  test('a lost socket ends every call once', () => {
    const client = new ConnectionSubject('client');
    call(client);
    call(client);
    client.connection.abandon('gone');
    client.connection.abandon('gone');
    assert.deepEqual(client.told.slice(1), ['reset 1 CANCEL connection', 'reset 3 CANCEL connection']);
  });
});
