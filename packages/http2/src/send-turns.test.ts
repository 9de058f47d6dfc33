import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { ConnectionSubject, FLAG, FRAME, rawFrame, request, setting, uint32 } from '@steelyard/testkit';

const { DATA, RST_STREAM, SETTINGS, WINDOW_UPDATE } = FRAME;
const big = new Uint8Array(70_000);

function idOf(position: number): number {
  return 2 * position + 1;
}

/** A server with so many streams that all have octets to send, and a connection without a window. */
function startWaiting(count: number, octets = 10_000): ConnectionSubject {
  const server = new ConnectionSubject('server', { maxConcurrentStreams: count + 1, resetBurst: 10_000 });
  server.receive(rawFrame(SETTINGS, 0, 0, setting(4, 1_000_000)));
  server.receive(request(idOf(count), FLAG.END_STREAM));
  server.connection.sendData(server.stream(idOf(count)), big, 0, 65_535, true);
  for (let i = 0; i < count; i++) {
    server.receive(request(idOf(i + count + 1), FLAG.END_STREAM));
    server.connection.sendData(server.stream(idOf(i + count + 1)), big, 0, octets, true);
  }
  server.said();
  return server;
}

/** Counts how often anybody looks at the windows of streams: that is what the work on one that waits begins with. */
function countLooks(server: ConnectionSubject): () => number {
  let looks = 0;
  for (const stream of server.streams.values()) {
    let window = stream.sendWindow;
    Object.defineProperty(stream, 'sendWindow', {
      get: () => {
        looks++;
        return window;
      },
      set: (value: number) => {
        window = value;
      },
    });
  }
  return () => {
    const counted = looks;
    looks = 0;
    return counted;
  };
}

const widen = (id: number, by: number): Uint8Array => rawFrame(WINDOW_UPDATE, 0, id, uint32(by));

describe('a thousand streams that wait', () => {
  const COUNT = 1000;

  test('cost nothing when the connection gets a window that is not for them', () => {
    const server = startWaiting(COUNT);
    const looks = countLooks(server);
    server.receive(widen(0, 65_535));
    assert.equal(server.said().length, 7);
    assert.ok(looks() <= 40, 'work for seven frames');
    for (let i = 0; i < 50; i++) server.receive(widen(0, 1));
    assert.equal(server.connection.queuedLength, COUNT * 10_000 - 65_535 - 50);
    assert.ok(looks() <= 500, 'work for fifty octets');
  });

  test('cost in proportion when each gets a window, and the connection none', () => {
    const server = startWaiting(COUNT);
    const looks = countLooks(server);
    for (let i = 0; i < COUNT; i++) server.receive(widen(idOf(i + COUNT + 1), 10));
    assert.ok(looks() <= 10 * COUNT, 'by WINDOW_UPDATE');
    server.receive(rawFrame(SETTINGS, 0, 0, setting(4, 1_100_000)));
    assert.ok(looks() <= 10 * COUNT, 'by SETTINGS');
    assert.equal(server.connection.queuedLength, COUNT * 10_000);
  });

  test('are out of the line as soon as they are closed', () => {
    const server = startWaiting(COUNT);
    const looks = countLooks(server);
    for (let i = 0; i < COUNT - 1; i++) server.receive(rawFrame(RST_STREAM, 0, idOf(i + COUNT + 1), uint32(8)));
    looks();
    server.receive(widen(0, 100_000));
    assert.deepEqual(server.said(), [`DATA ${idOf(2 * COUNT)} 10000 end`]);
    assert.ok(looks() <= 20);
  });
});

test('turns go on where the window of the connection ended them', () => {
  const server = startWaiting(5, 50_000);
  const said: string[] = [];
  for (let i = 0; i < 10; i++) {
    server.receive(widen(0, 16_384));
    said.push(...server.said());
  }
  assert.deepEqual(
    said.map((line) => Number(line.split(' ')[1])),
    [13, 15, 17, 19, 21, 13, 15, 17, 19, 21],
  );
});

test('an end without octets needs no window, and waits for nobody who does', () => {
  const server = startWaiting(3);
  server.connection.setWritable(false);
  server.receive(request(99, FLAG.END_STREAM));
  server.connection.sendData(server.stream(99), big, 0, 0, true);
  server.connection.setWritable(true);
  assert.deepEqual(server.said(), ['DATA 99 0 end']);
});

test('nothing waits that may go, and nothing goes that may not', () => {
  const STREAMS = 4;
  const position = fc.nat(STREAMS - 1);
  const step = fc.oneof(
    fc.record({ kind: fc.constant('send' as const), at: position, size: fc.nat(3000) }),
    fc.record({ kind: fc.constant('stream' as const), at: position, size: fc.integer({ min: 1, max: 3000 }) }),
    fc.record({ kind: fc.constant('connection' as const), at: position, size: fc.integer({ min: 1, max: 6000 }) }),
    fc.record({ kind: fc.constant('initial' as const), at: position, size: fc.nat(4000) }),
    fc.record({ kind: fc.constant('socket' as const), at: position, size: fc.nat(1) }),
  );
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 80 }), (steps) => {
      // All of the connection's first window is used up by a stream of its own.
      const server = new ConnectionSubject('server');
      server.receive(request(1, FLAG.END_STREAM));
      server.connection.sendData(server.stream(1), big, 0, 65_535, true);
      for (let i = 1; i <= STREAMS; i++) server.receive(request(idOf(i), FLAG.END_STREAM));
      server.receive(rawFrame(SETTINGS, 0, 0, setting(4, 0)));
      server.frames();
      let room = 0;
      let initial = 0;
      let writable = true;
      const windows = Array.from({ length: STREAMS }, () => 0);
      const queued = Array.from({ length: STREAMS }, () => 0);
      for (const { kind, at, size } of steps) {
        const id = idOf(at + 1);
        if (kind === 'send') {
          server.connection.sendData(server.stream(id), big, 0, size, false);
          queued[at] = (queued[at] ?? 0) + size;
        } else if (kind === 'stream') {
          server.receive(widen(id, size));
          windows[at] = (windows[at] ?? 0) + size;
        } else if (kind === 'connection') {
          server.receive(widen(0, size));
          room += size;
        } else if (kind === 'initial') {
          server.receive(rawFrame(SETTINGS, 0, 0, setting(4, size)));
          for (let i = 0; i < STREAMS; i++) windows[i] = (windows[i] ?? 0) + size - initial;
          initial = size;
        } else {
          writable = size === 1;
          server.connection.setWritable(writable);
        }
        for (const { type, streamId, payload } of server.frames()) {
          if (type !== DATA) continue;
          const i = (streamId - 1) / 2 - 1;
          room -= payload.length;
          windows[i] = (windows[i] ?? 0) - payload.length;
          queued[i] = (queued[i] ?? 0) - payload.length;
          assert.ok(room >= 0 && (windows[i] ?? 0) >= 0 && (queued[i] ?? 0) >= 0, 'nothing that may not');
        }
        const mayGo = queued.some((octets, i) => octets > 0 && (windows[i] ?? 0) > 0);
        assert.ok(!(writable && room > 0 && mayGo), `something waits after ${kind}`);
      }
    }),
    { numRuns: 300 },
  );
});
