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

  test('what begins with anything but SETTINGS is no HTTP/2 (§3.4), however it is cut', () => {
    const lines: readonly (readonly [says: string, why: RegExp])[] = [
      ['HTTP/1.1 400 Bad Request\r\n\r\n', /does not speak HTTP\/2 \(it answered in HTTP\/1\.1\)/],
      ['SSH-2.0-OpenSSH_9.9\r\n', /the first frame is no SETTINGS/],
      ['\0\0\u0008\u0006\0\0\0\0\0abcdefgh', /the first frame is no SETTINGS/],
    ];
    for (const [says, why] of lines) {
      for (const at of [1, 2, 3, 4, 5, 9, 12]) {
        const client = new ConnectionSubject('client', {}, 'no greeting');
        const errors: string[] = [];
        client.onConnectionError = (error): void => {
          if (error instanceof Error) errors.push(error.message);
        };
        call(client);
        const octets = new TextEncoder().encode(says);
        client.receive(octets.subarray(0, at));
        client.receive(octets.subarray(at));
        assert.equal(errors.length, 1);
        assert.match(errors[0] ?? '', why);
        assert.equal(client.told.at(-1), 'reset 1 PROTOCOL_ERROR connection');
      }
    }
  });

  test('SETTINGS that come octet by octet are a greeting like any other', () => {
    const client = new ConnectionSubject('client', {}, 'no greeting');
    for (const octet of rawFrame(SETTINGS, 0, 0, setting(3, 7))) client.receive(Uint8Array.of(octet));
    assert.deepEqual(client.told, ['settings']);
    assert.equal(client.connection.peer.maxConcurrentStreams, 7);
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
