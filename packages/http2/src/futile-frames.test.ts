// Frames of a message that bring it on by little or nothing: a few are usual, and no other call pays for those that are not.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CALL,
  concat,
  ConnectionSubject,
  FLAG,
  FRAME,
  literalBlock,
  rawFrame,
  request,
  RESPONSE,
  TRAILERS,
} from '@steelyard/testkit';

const { DATA, HEADERS } = FRAME;
const { END_HEADERS, END_STREAM, PADDED } = FLAG;

const EARLY = literalBlock([[':status', '103']]);

/** A pod's connection with so many calls under way. */
function calling(calls: number): ConnectionSubject {
  const client = new ConnectionSubject('client');
  for (let i = 0; i < calls; i++) call(client);
  client.raw();
  return client;
}

function call(client: ConnectionSubject): number {
  const stream = client.connection.request(CALL, true, 'context');
  client.streams.set(stream.id, stream);
  return stream.id;
}

function early(id: number): Uint8Array {
  return rawFrame(HEADERS, END_HEADERS, id, EARLY);
}

function head(id: number): Uint8Array {
  return rawFrame(HEADERS, END_HEADERS, id, RESPONSE);
}

function crumb(id: number): Uint8Array {
  return rawFrame(DATA, 0, id, [1, 2, 3]);
}

function often(frame: Uint8Array, times: number): Uint8Array {
  return concat(...Array.from({ length: times }, () => frame));
}

/** The pod is neither told off nor told to go. */
function isContent(client: ConnectionSubject): boolean {
  return client.connection.canOpen && !client.said().some((line) => line.startsWith('GOAWAY'));
}

/** How many of these on stream 1 it takes until it is reset, and that no other call and no later one suffers. */
function resetAfter(first: Uint8Array, frame: Uint8Array, bound: number): number {
  const client = calling(2);
  client.receive(first, head(3));
  let count = 0;
  while (count < bound && !client.stream(1).closed) {
    client.receive(frame);
    count++;
  }
  assert.equal(client.told.at(-1), 'reset 1 ENHANCE_YOUR_CALM malformed');
  client.receive(crumb(3), rawFrame(HEADERS, END_HEADERS | END_STREAM, 3, TRAILERS));
  assert.deepEqual(client.told.slice(-2), ['data 3 3', 'trailers 3 grpc-status=0']);
  assert.equal(isContent(client), true);
  return count;
}

describe('a pod that sends more of them than it should loses that call', () => {
  test('1xx responses: eight and the budget', () => {
    assert.equal(resetAfter(concat(), early(1), 5000), 1009);
  });

  test('DATA without content: two and the budget', () => {
    assert.equal(resetAfter(head(1), rawFrame(DATA, 0, 1), 5000), 1003);
  });

  test('DATA of nothing but padding', () => {
    assert.equal(resetAfter(head(1), rawFrame(DATA, PADDED, 1, [3, 0, 0, 0]), 5000), 1003);
  });

  test('DATA of next to nothing: fifty count as much as one', () => {
    assert.equal(resetAfter(head(1), often(crumb(1), 50), 5000), 1002);
  });

  test('the crumbs that were on their way cost the connection nothing, if they are within their window', () => {
    const client = calling(2);
    client.receive(head(1));
    while (!client.stream(1).closed) client.receive(often(crumb(1), 100));
    for (let turn = 0; turn < 40; turn++) client.receive(often(crumb(1), 1000));
    assert.equal(isContent(client), true);
    for (let turn = 0; turn < 400; turn++) client.receive(often(rawFrame(DATA, 0, 1), 1000));
    assert.equal(client.told.at(-1), 'error ENHANCE_YOUR_CALM', 'a flood all the same');
  });

  test('1xx responses on many streams, each beyond what is free: bounded by one budget', () => {
    const client = calling(0);
    let charged = 0;
    for (let turn = 0; turn < 2000; turn++) {
      const id = call(client);
      client.receive(often(early(id), 9), rawFrame(HEADERS, END_HEADERS | END_STREAM, id, RESPONSE));
      if (client.told.at(-1)?.startsWith('headers') === true) charged++;
    }
    assert.equal(charged, 1000);
    assert.equal(client.connection.canOpen, true);
  });
});

describe('what is usual is free', () => {
  test('eight 1xx responses for each of many calls at once', () => {
    const client = calling(0);
    for (let turn = 0; turn < 5000; turn++) {
      const id = call(client);
      client.receive(often(early(id), 8), rawFrame(HEADERS, END_HEADERS | END_STREAM, id, RESPONSE));
      assert.match(client.told.at(-1) ?? '', /^headers \d+ :status=200 end$/);
      client.told.length = 0;
    }
    assert.equal(isContent(client), true);
  });

  test('two empty DATA frames for each of many calls, of either side', () => {
    const client = calling(0);
    const server = new ConnectionSubject('server');
    for (let turn = 0; turn < 5000; turn++) {
      const id = call(client);
      const empty = often(rawFrame(DATA, 0, id), 2);
      client.receive(head(id), empty, rawFrame(DATA, END_STREAM, id, [1]));
      server.receive(request(id), empty, rawFrame(DATA, END_STREAM, id, [1]));
      server.connection.sendHeaders(server.stream(id), CALL, true);
    }
    assert.equal(isContent(client), true);
    assert.equal(
      server.said().some((line) => line.startsWith('GOAWAY')),
      false,
    );
  });

  test('three octets 5,000 times a second, for as long as one likes, on each of several streams', () => {
    const client = calling(3);
    client.receive(head(1), head(3), head(5));
    for (let second = 0; second < 60; second++) {
      for (const id of [1, 3, 5]) client.receive(often(crumb(id), 5000));
      client.raw();
      client.told.length = 0;
      client.now += 1000;
    }
    for (const id of [1, 3, 5]) assert.equal(client.stream(id).closed, false);
    assert.equal(isContent(client), true);
  });

  test('prefixes and small messages apart, at any rate', () => {
    const client = calling(1);
    client.receive(head(1));
    const message = concat(rawFrame(DATA, 0, 1, [0, 0, 0, 0, 2]), rawFrame(DATA, 0, 1, [1, 2]));
    for (let turn = 0; turn < 100; turn++) client.receive(often(message, 1000));
    assert.equal(client.stream(1).closed, false);
  });
});
