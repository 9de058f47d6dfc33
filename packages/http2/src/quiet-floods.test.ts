// Frames that cost nothing to send, are legal now and then, and were nobody's business until they come by the thousand.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CALL,
  concat,
  ConnectionSubject,
  FLAG,
  FRAME,
  GRPC_OK,
  rawFrame,
  REQUEST,
  request,
  setting,
  TRAILERS,
  uint32,
} from '@steelyard/testkit';

const { DATA, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE } = FRAME;
const { ACK, END_HEADERS, END_STREAM, PADDED } = FLAG;

const CANCEL = uint32(8);
/** Five octets of padding and nothing else. */
const HOLLOW = [5, 0, 0, 0, 0, 0];

describe('floods of frames that say nothing new', () => {
  const calm = (streamId: number): Uint8Array => rawFrame(HEADERS, END_HEADERS, streamId, REQUEST);
  const reset = concat(calm(1), rawFrame(WINDOW_UPDATE, 0, 1, uint32(0)));
  const floods: readonly (readonly [name: string, first: Uint8Array, mischief: Uint8Array])[] = [
    ['acknowledgements of SETTINGS that were not sent', request(1), rawFrame(SETTINGS, ACK, 0)],
    ['answers to PINGs that were not sent', request(1), rawFrame(PING, ACK, 0, [1, 2, 3, 4, 5, 6, 7, 8])],
    ['GOAWAY', request(1), rawFrame(GOAWAY, 0, 0, [...uint32(0), ...uint32(0)])],
    [
      'RST_STREAM on a stream that is closed',
      concat(request(1), rawFrame(RST_STREAM, 0, 1, CANCEL)),
      rawFrame(RST_STREAM, 0, 1, CANCEL),
    ],
    ['HEADERS on a stream that we have reset', reset, calm(1)],
    ['DATA on a stream that we have reset', reset, rawFrame(DATA, 0, 1, [1, 2, 3, 4, 5, 6])],
    ['DATA that is all padding', request(1), rawFrame(DATA, PADDED, 1, HOLLOW)],
  ];
  for (const [name, first, mischief] of floods) {
    test(name, () => {
      const server = new ConnectionSubject('server');
      server.receive(first);
      let turns = 0;
      while (turns < 5000 && !(server.told.at(-1)?.startsWith('error') ?? false)) {
        server.receive(mischief);
        server.raw();
        turns++;
      }
      assert.equal(server.told.at(-1), 'error ENHANCE_YOUR_CALM');
      assert.ok(turns <= 1140, `${turns} turns`);
    });
  }

  test('requests without end after the last id of our GOAWAY', () => {
    const server = new ConnectionSubject('server');
    server.receive(request(1));
    server.connection.drain();
    for (let round = 0; round < 2; round++) {
      server.receive(rawFrame(PING, ACK, 0, new TextEncoder().encode('goodbye!')));
    }
    assert.equal(server.said().at(-1), 'GOAWAY 1 NO_ERROR');
    let id = 3;
    for (; id < 10_000 && server.told.at(-1) !== 'error ENHANCE_YOUR_CALM'; id += 2) server.receive(request(id));
    assert.ok(id < 2500, `stream ${id}`);
    assert.equal(server.told.filter((line) => line.startsWith('headers')).length, 1);
  });

  test('what crosses the end of a call, twice for each of many, is no flood', () => {
    const server = new ConnectionSubject('server');
    for (let id = 1; id < 20_000; id += 2) {
      server.receive(request(id));
      server.connection.sendHeaders(server.stream(id), GRPC_OK, true);
      // The caller had not heard yet: its last words and its own reset.
      server.receive(rawFrame(HEADERS, END_HEADERS | END_STREAM, id, TRAILERS), rawFrame(RST_STREAM, 0, id, CANCEL));
    }
    assert.equal(
      server.said().some((line) => line.startsWith('GOAWAY')),
      false,
    );
  });
});

describe('calls that end before their request has come whole', () => {
  test('are no flood: without pods each is answered at its header, and its message follows', () => {
    const server = new ConnectionSubject('server');
    for (let id = 1; id < 20_000; id += 2) {
      server.receive(request(id));
      server.connection.sendHeaders(server.stream(id), GRPC_OK, true);
      server.receive(rawFrame(DATA, END_STREAM, id, [0, 0, 0, 0, 1, 7]));
    }
    assert.equal(
      server.said().some((line) => line.startsWith('GOAWAY')),
      false,
    );
  });

  test('nor are uploads that are cut off with a window of DATA on its way', () => {
    const server = new ConnectionSubject('server');
    const full = rawFrame(DATA, 0, 1, new Uint8Array(16_384));
    for (let id = 1; id < 400; id += 2) {
      server.receive(request(id));
      server.connection.reset(server.stream(id), 8);
      for (let turn = 0; turn < 16; turn++)
        server.receive(Uint8Array.from([...full.subarray(0, 5), ...uint32(id), ...full.subarray(9)]));
    }
    assert.equal(
      server.said().some((line) => line.startsWith('GOAWAY')),
      false,
    );
  });
});

describe('padding (§6.1, §6.9.1)', () => {
  test('gives its credit back even when nothing but padding comes', () => {
    const server = new ConnectionSubject('server', { streamWindow: 65_535, oddityBurst: 100_000 });
    server.receive(request(1));
    const hollow = rawFrame(DATA, PADDED, 1, [255, ...new Uint8Array(255)]);
    for (let turn = 0; turn < 1000; turn++) server.receive(hollow);
    const credits = server.said().filter((line) => line.startsWith('WINDOW_UPDATE 1 '));
    assert.equal(credits.length, 7);
    assert.equal(
      server.told.some((line) => line.startsWith('reset')),
      false,
    );
  });

  test('a message of four octets is no crumb for being padded, nor a longer one', () => {
    const server = new ConnectionSubject('server');
    server.receive(request(1));
    const padded = rawFrame(DATA, PADDED, 1, [2, 1, 2, 3, 4, 5, 0, 0]);
    for (let turn = 0; turn < 5000; turn++) server.receive(padded);
    assert.equal(server.told.at(-1), 'data 1 5');
  });
});

describe('SETTINGS', () => {
  test('are acknowledged at once: what they make possible comes after (§6.5.3)', () => {
    const server = new ConnectionSubject('server');
    server.receive(rawFrame(SETTINGS, 0, 0, setting(4, 0)), request(1, END_STREAM));
    server.said();
    server.connection.sendData(server.stream(1), Uint8Array.of(1, 2, 3), 0, 3, true);
    assert.deepEqual(server.said(), []);
    server.receive(rawFrame(SETTINGS, 0, 0, setting(4, 1)));
    assert.deepEqual(server.said(), ['SETTINGS ack', 'DATA 1 1']);
    server.receive(rawFrame(SETTINGS, 0, 0, setting(4, 0)));
    assert.deepEqual(server.said(), ['SETTINGS ack']);
    server.receive(rawFrame(SETTINGS, 0, 0, setting(4, 3)));
    assert.deepEqual(server.said(), ['SETTINGS ack', 'DATA 1 2 end']);
  });

  test('of a server may not allow pushes (§6.5.2)', () => {
    for (const [role, value, last] of [
      ['client', 1, 'error PROTOCOL_ERROR'],
      ['client', 0, 'settings'],
      ['server', 1, 'settings'],
      ['server', 2, 'error PROTOCOL_ERROR'],
    ] as const) {
      const subject = new ConnectionSubject(role);
      subject.receive(rawFrame(SETTINGS, 0, 0, setting(2, value)));
      assert.equal(subject.told.at(-1), last, `${role} ${value}`);
    }
  });

  test('of a pod that allows larger frames bind from their acknowledgement on', () => {
    const client = new ConnectionSubject('client');
    client.receive(rawFrame(SETTINGS, 0, 0, setting(4, 0)), rawFrame(WINDOW_UPDATE, 0, 0, uint32(100_000)));
    client.said();
    const stream = client.connection.request(CALL, false, 'context');
    client.connection.sendData(stream, new Uint8Array(20_000), 0, 20_000, true);
    client.said();
    client.receive(rawFrame(SETTINGS, 0, 0, [...setting(5, 65_536), ...setting(4, 20_000)]));
    assert.deepEqual(client.said(), ['SETTINGS ack', 'DATA 1 20000 end']);
  });
});
