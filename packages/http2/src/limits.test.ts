import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CALL,
  concat,
  ConnectionSubject,
  FLAG,
  FRAME,
  GRPC_OK,
  literalBlock,
  REQUEST,
  RESPONSE,
  rawFrame,
  request,
  setting,
  uint32,
} from '@steelyard/testkit';

const { CONTINUATION, DATA, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE } = FRAME;
const { ACK, END_HEADERS, END_STREAM } = FLAG;

const CANCEL = uint32(8);
const ping = rawFrame(PING, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]);

/** Sends the same mischief, a read each, until the connection has enough; how often it took. */
function provoke(subject: ConnectionSubject, mischief: (turn: number) => Uint8Array, bound = 5000): number {
  for (let turn = 0; turn < bound; turn++) {
    subject.receive(mischief(turn));
    subject.raw();
    if (subject.told.at(-1)?.startsWith('error')) return turn + 1;
  }
  return Infinity;
}

describe('floods end in ENHANCE_YOUR_CALM, after a GOAWAY that warns', () => {
  const floods: readonly (readonly [name: string, mischief: (turn: number) => Uint8Array, most: number])[] = [
    ['PING (CVE-2019-9512)', () => ping, 4],
    ['SETTINGS (CVE-2019-9515)', () => rawFrame(SETTINGS, 0, 0, setting(3, 100)), 1001],
    ['PRIORITY (CVE-2019-9513)', (turn) => rawFrame(PRIORITY, 0, 101, [...uint32(turn * 2 + 203), 1]), 1001],
    ['empty DATA (CVE-2019-9518)', (turn) => concat(...(turn === 0 ? [request(1)] : []), rawFrame(DATA, 0, 1)), 1003],
    // Fifty of them are as much as one without any.
    ['DATA of one octet', (turn) => (turn === 0 ? request(1) : fifty(rawFrame(DATA, 0, 1, [1]))), 1003],
    ['WINDOW_UPDATE', () => rawFrame(WINDOW_UPDATE, 0, 0, uint32(1)), 1101],
    ['frames of unknown types', () => rawFrame(0x42, 0, 0, [1]), 1001],
    ['rapid reset, in one read (CVE-2023-44487)', (turn) => concat(request(turn * 2 + 1), reset(turn * 2 + 1)), 1001],
    ['rapid reset, over two reads', (turn) => (turn % 2 === 0 ? request(turn + 1) : reset(turn)), 2002],
    [
      'MadeYouReset by WINDOW_UPDATE of 0 (CVE-2025-8671)',
      (turn) => concat(request(turn * 2 + 1), rawFrame(WINDOW_UPDATE, 0, turn * 2 + 1, uint32(0))),
      1001,
    ],
    [
      'MadeYouReset by DATA after END_STREAM',
      (turn) => concat(request(turn * 2 + 1, END_STREAM), rawFrame(DATA, 0, turn * 2 + 1, [1, 2, 3, 4, 5, 6])),
      1001,
    ],
    [
      'MadeYouReset by malformed requests',
      (turn) => rawFrame(HEADERS, END_HEADERS | END_STREAM, turn * 2 + 1, literalBlock([[':method', 'POST']])),
      1001,
    ],
  ];

  for (const [name, mischief, most] of floods) {
    test(name, () => {
      const server = new ConnectionSubject('server');
      const turns = provoke(server, mischief);
      assert.ok(turns <= most, `${turns} turns, at most ${most} expected`);
      assert.equal(server.told.at(-1), 'error ENHANCE_YOUR_CALM');
      assert.equal(server.connection.streamCount, 0);
    });
  }

  test('a stream that is opened and reset in one read never reaches the handler', () => {
    const server = new ConnectionSubject('server');
    const cancelled = concat(request(1), rawFrame(DATA, 0, 1, [1, 2, 3, 4, 5, 6]), reset(1));
    server.receive(concat(cancelled, request(3, END_STREAM)));
    assert.deepEqual(
      server.told.slice(1).map((line) => line.slice(0, 9)),
      ['headers 3'],
    );
    assert.deepEqual(server.said(), []);
    server.receive(rawFrame(DATA, 0, 1, [1]));
    assert.equal(server.told.at(-1), 'error STREAM_CLOSED', 'after its reset it is closed like any other');
  });

  test('the warning comes first: GOAWAY without an error, when a quarter is left', () => {
    const server = new ConnectionSubject('server');
    for (let turn = 0; turn < 760; turn++) server.receive(rawFrame(0x42, 0, 0));
    assert.deepEqual(server.said().slice(0, 2), ['GOAWAY 2147483647 NO_ERROR', 'PING']);
  });

  test('time gives the budget back, and calls that end well do', () => {
    const server = new ConnectionSubject('server');
    for (let turn = 0; turn < 3000; turn++) {
      server.now += 10;
      server.receive(rawFrame(0x42, 0, 0));
    }
    for (let id = 1; id < 8000; id += 4) {
      server.receive(request(id, END_STREAM), request(id + 2));
      server.connection.sendHeaders(server.stream(id), GRPC_OK, true);
      server.receive(reset(id + 2));
    }
    assert.equal(server.told.includes('error ENHANCE_YOUR_CALM'), false);
    assert.equal(server.said().includes('GOAWAY 2147483647 NO_ERROR'), false);
  });

  test('one PING per round trip while DATA flows is how gRPC measures a line, in both roles', () => {
    for (const role of ['server', 'client'] as const) {
      const subject = new ConnectionSubject(role);
      if (role === 'server') subject.receive(request(1));
      else subject.streams.set(1, subject.connection.request(CALL, false, 'context'));
      subject.receive(
        rawFrame(WINDOW_UPDATE, 0, 0, uint32(1_000_000)),
        rawFrame(WINDOW_UPDATE, 0, 1, uint32(1_000_000)),
      );
      for (let turn = 0; turn < 5000; turn++) {
        subject.connection.sendData(subject.stream(1), Uint8Array.of(1, 2, 3, 4, 5), 0, 5, false);
        subject.receive(ping);
      }
      assert.equal(subject.told.includes('error ENHANCE_YOUR_CALM'), false, role);
      assert.equal(subject.said().includes('GOAWAY 2147483647 NO_ERROR'), false, role);
    }
  });

  test('small messages whose prefix has a frame of its own are no crumbs', () => {
    const server = new ConnectionSubject('server');
    server.receive(request(1));
    const message = concat(rawFrame(DATA, 0, 1, [0, 0, 0, 0, 2]), rawFrame(DATA, 0, 1, [1, 2]));
    for (let turn = 0; turn < 5000; turn++) server.receive(message);
    assert.equal(server.told.includes('error ENHANCE_YOUR_CALM'), false);
  });

  test('a pod that resets its calls keeps its connection: each was a request of ours', () => {
    const client = new ConnectionSubject('client');
    for (let turn = 0; turn < 3000; turn++) {
      const stream = client.connection.request(CALL, true, 'context');
      client.receive(reset(stream.id));
    }
    assert.equal(client.connection.canOpen, true);
  });

  test('PINGs with traffic between them, or far apart, are welcome (gRFC A8)', () => {
    const server = new ConnectionSubject('server');
    server.receive(request(1));
    for (let turn = 0; turn < 20; turn++) {
      server.receive(ping);
      server.connection.sendData(server.stream(1), Uint8Array.of(1, 2, 3, 4, 5), 0, 5, false);
    }
    for (let turn = 0; turn < 20; turn++) {
      server.now += 300_000;
      server.receive(ping);
    }
    assert.equal(server.told.includes('error ENHANCE_YOUR_CALM'), false);
  });
});

describe('headers', () => {
  function told(frames: readonly Uint8Array[]): string | undefined {
    const server = new ConnectionSubject('server');
    for (const frame of frames) server.receive(frame);
    return server.told.at(-1);
  }

  test('CONTINUATION without end (CVE-2024-27316 and its kin)', () => {
    const more = Array.from({ length: 8 }, () => rawFrame(CONTINUATION, 0, 1, [0]));
    assert.equal(told([rawFrame(HEADERS, 0, 1, REQUEST), ...more]), 'error ENHANCE_YOUR_CALM');
  });

  test('HPACK bomb: an entry of 4 KB named 100 times (CVE-2016-6581)', () => {
    const entry = [0x40, 1, 0x78, 0x7f, 0x89, 0x1e, ...Array.from({ length: 3976 }, () => 0x79)];
    const block = [...REQUEST, ...entry, ...Array.from({ length: 100 }, () => 0xbe)];
    assert.equal(told([rawFrame(HEADERS, END_HEADERS, 1, block)]), 'error ENHANCE_YOUR_CALM');
  });

  test('field crumbs: thousands of one-octet references (CVE-2026-47774) are cut at the field limit', () => {
    const server = new ConnectionSubject('server');
    const crumbs = [...REQUEST, 0x40, 1, 0x78, 0, ...Array.from({ length: 3000 }, () => 0xbe)];
    server.receive(rawFrame(HEADERS, END_HEADERS, 1, crumbs));
    assert.equal(server.told.at(-1)?.split('x=').length, 97);
    assert.equal(server.connection.streamCount, 1, 'the stream lives to be answered');
  });
});

describe('what time ends', () => {
  /** Ticks once a second for so long; when the connection or stream came to its end. */
  function endsAfter(subject: ConnectionSubject, seconds: number, pattern: RegExp): number | undefined {
    for (let second = 0; second <= seconds; second++) {
      subject.now = second * 1000;
      subject.connection.tick(subject.now);
      if (subject.told.some((line) => pattern.test(line)) || subject.said().some((line) => pattern.test(line)))
        return second;
    }
    return undefined;
  }

  test('a greeting that is not finished', () => {
    const silent = new ConnectionSubject('server', {}, 'no greeting');
    assert.equal(endsAfter(silent, 60, /error SETTINGS_TIMEOUT/), 11);
  });

  test('a header block that is not finished', () => {
    const server = new ConnectionSubject('server');
    server.receive(rawFrame(HEADERS, 0, 1, REQUEST));
    assert.equal(endsAfter(server, 60, /error ENHANCE_YOUR_CALM/), 11);
  });

  test('a frame that is not finished, whatever it is; others may be cut each time one looks', () => {
    const server = new ConnectionSubject('server');
    server.receive(rawFrame(HEADERS, END_HEADERS, 1, new Uint8Array(16_000)).subarray(0, 9));
    assert.equal(endsAfter(server, 60, /error ENHANCE_YOUR_CALM/), 11);
    const busy = new ConnectionSubject('server', { keepaliveAfterMs: 0 });
    const settings = rawFrame(SETTINGS, 0, 0, setting(3, 100));
    for (let second = 0; second < 60; second++) {
      busy.receive(settings.subarray(0, 10));
      busy.now = second * 1000;
      busy.connection.tick(busy.now);
      busy.receive(settings.subarray(10));
    }
    assert.equal(busy.told.includes('error ENHANCE_YOUR_CALM'), false);
  });

  test('a reader with a closed window: its stream is given up, the connection lives (CVE-2019-9517)', () => {
    const server = new ConnectionSubject('server', { keepaliveAfterMs: 0 });
    server.receive(rawFrame(SETTINGS, 0, 0, setting(4, 0)), request(1, END_STREAM));
    server.connection.sendData(server.stream(1), new Uint8Array(100), 0, 100, true);
    assert.equal(endsAfter(server, 400, /reset 1 CANCEL stalled/), 300);
    assert.equal(
      server.told.some((line) => line.startsWith('error')),
      false,
    );
  });

  test('a reader that takes a little now and then is not given up', () => {
    const server = new ConnectionSubject('server', { keepaliveAfterMs: 0 });
    server.receive(rawFrame(SETTINGS, 0, 0, setting(4, 0)), request(1, END_STREAM));
    server.connection.sendData(server.stream(1), new Uint8Array(100), 0, 100, true);
    for (let second = 0; second < 3000; second += 1) {
      server.now = second * 1000;
      if (second % 200 === 0) server.receive(rawFrame(WINDOW_UPDATE, 0, 1, uint32(1)));
      server.connection.tick(server.now);
    }
    assert.equal(server.stream(1).closed, false);
  });

  test('more than the limit waiting for one peer', () => {
    const server = new ConnectionSubject('server', { maxQueuedLength: 10_000 });
    server.receive(rawFrame(SETTINGS, 0, 0, setting(4, 0)), request(1, END_STREAM), request(3, END_STREAM));
    server.connection.sendData(server.stream(1), new Uint8Array(5000), 0, 5000, false);
    server.connection.sendData(server.stream(3), new Uint8Array(5000), 0, 5000, false);
    assert.equal(server.told.at(-1), 'reset 3 ENHANCE_YOUR_CALM stalled');
    assert.equal(server.stream(1).closed, false);
    assert.equal(server.connection.queuedLength, 5000);
  });

  test('a connection without calls', () => {
    const server = new ConnectionSubject('server', { idleTimeoutMs: 60_000 });
    assert.equal(endsAfter(server, 100, /GOAWAY 2147483647 NO_ERROR/), 60);
  });

  test('a connection whose calls are over before anybody looks is not without', () => {
    const server = new ConnectionSubject('server', { idleTimeoutMs: 60_000 });
    for (let call = 0; call < 10; call++) {
      const id = 2 * call + 1;
      server.receive(request(id, END_STREAM));
      server.connection.sendHeaders(server.stream(id), GRPC_OK, true);
      for (let second = 0; second < 30; second++) server.connection.tick((server.now += 1000));
    }
    assert.equal(server.said().join().includes('GOAWAY'), false);
  });

  test('a peer that vanished: PING after 5 s of silence, the end 3 s later', () => {
    const client = new ConnectionSubject('client');
    client.streams.set(1, client.connection.request(CALL, true, 'context'));
    assert.equal(endsAfter(client, 60, /reset 1 NO_ERROR connection/), 8);
  });

  test('a slow call on a live peer: three PINGs at growing intervals, then one in five minutes', () => {
    const client = new ConnectionSubject('client');
    client.streams.set(1, client.connection.request(CALL, true, 'context'));
    client.raw();
    const pings: number[] = [];
    for (let second = 0; second < 700; second++) {
      client.now = second * 1000;
      client.connection.tick(client.now);
      for (const { type, flags, payload } of client.frames()) {
        if (type !== PING || (flags & ACK) !== 0) continue;
        pings.push(second);
        client.receive(rawFrame(PING, ACK, 0, payload));
      }
    }
    assert.deepEqual(pings.slice(0, 3), [5, 16, 37]);
    assert.ok((pings[3] ?? 0) > 330 && pings.length <= 5, pings.join(' '));
    client.receive(rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, RESPONSE));
    assert.equal(client.stream(1).closed, true);
  });
});

function fifty(frame: Uint8Array): Uint8Array {
  return concat(...Array.from({ length: 50 }, () => frame));
}

function reset(id: number): Uint8Array {
  return rawFrame(RST_STREAM, 0, id, CANCEL);
}
