// docs/limits.md: peers that hold what they have been given, or never finish what they began.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import {
  concat,
  createTestSource,
  echo,
  FLAG,
  FRAME,
  literalBlock,
  MemoryWatch,
  type PodBehaviour,
  PREFACE,
  type RawFrame,
  rawFrame,
  setting,
  startPod,
} from '@steelyard/testkit';
import { cleanUp, startBed } from '../end-to-end/proxy.test-bed.ts';
import { startBefore, startScriptedPod } from '../end-to-end/scripted-pod.test-bed.ts';
import { startTimedBed, type TimedBed } from '../transport/engine.test-bed.ts';
import { Attacker, openRequest, REQUEST_FIELDS } from './attacker.test-bed.ts';

const { CONTINUATION, DATA, HEADERS, RST_STREAM, SETTINGS } = FRAME;
const { ACK, END_HEADERS, END_STREAM } = FLAG;
const ENHANCE_YOUR_CALM = 11;
const REFUSED_STREAM = 7;
const MIB = 1024 * 1024;

/** Says of itself that it takes no DATA at all. */
const takesNothing = concat(PREFACE, rawFrame(SETTINGS, 0, 0, setting(4, 0)), rawFrame(SETTINGS, ACK, 0));

/** node:http2 gives up streams when 10 MiB wait on a connection of its: so much of what is held must come from several. */
const PODS = 8;

/** More than a stream's window to whoever calls with `x-meta: much`. */
const generous: PodBehaviour = (stream, headers) => {
  if (headers['x-meta'] !== 'much') {
    echo(stream, headers);
    return;
  }
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
  stream.end(Buffer.alloc(300_000));
};

const much = literalBlock([...REQUEST_FIELDS, ['x-meta', 'much']]);

function codeOf(frame: RawFrame | undefined): number | undefined {
  return frame && new DataView(frame.payload.buffer).getUint32(0);
}

describe('what is held for peers is bounded', () => {
  test('data dribble: replies that nobody takes (CVE-2019-9511, CVE-2019-9517)', async () => {
    const { proxy, caller } = await startBed(PODS, generous);
    await caller.call('warm');
    const memory = new MemoryWatch();
    const attacker = new Attacker(proxy.address.port, takesNothing);
    for (let id = 1; id < 300; id += 2) {
      attacker.socket.write(rawFrame(HEADERS, END_HEADERS | END_STREAM, id, much));
    }
    // 150 windows of 256 KiB are more than the 16 MiB that one connection may have waiting.
    const reset = await attacker.frame(({ type }) => type === RST_STREAM);
    assert.equal(codeOf(reset), ENHANCE_YOUR_CALM);
    for (let i = 0; i < 20; i++) assert.equal((await caller.call('x')).trailers['grpc-status'], '0');
    const { pressure } = await proxy.report();
    assert.ok(pressure.heldOctets > 0 && pressure.heldOctets <= 17 * MIB, `${pressure.heldOctets} octets are held`);
    const grown = memory.grown();
    assert.ok(grown < 256 * MIB, `memory grew by ${grown} octets`);
    attacker.socket.destroy();
  });

  test('many connections that each hold a little: the one that holds the most goes first', async () => {
    const { proxy, caller } = await startBed(
      PODS,
      generous,
      {},
      'RANDOM',
      {},
      { limits: { maxProcessLength: 4 * MIB } },
    );
    await caller.call('warm');
    const greedy = new Attacker(proxy.address.port, takesNothing);
    const modest = new Attacker(proxy.address.port, takesNothing);
    modest.socket.write(rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, much));
    for (let id = 1; id < 100; id += 2) greedy.socket.write(rawFrame(HEADERS, END_HEADERS | END_STREAM, id, much));
    await greedy.end();
    assert.equal(modest.socket.destroyed, false);
    for (let i = 0; i < 20; i++) assert.equal((await caller.call('x')).trailers['grpc-status'], '0');
    const { pressure } = await proxy.report();
    assert.ok(pressure.relievedConnections >= 1);
    assert.ok(pressure.heldOctets <= 4 * MIB, `${pressure.heldOctets} octets are held`);
    modest.socket.destroy();
  });

  test('requests that are kept for another try: they are counted, and given up before anybody is closed', async () => {
    let received = 0;
    const pod = await startPod((stream, headers) => {
      if (headers['x-meta'] === 'slow') stream.on('data', (chunk: Buffer) => (received += chunk.length));
      else if (headers['x-meta'] !== 'stuck') echo(stream, headers);
    });
    cleanUp.push(() => pod.close());
    const bed = await startTimedBed(createTestSource([pod]), { limits: { maxProcessLength: 4 * MIB } });
    let sent = 0;
    const send = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const stream = bed.caller.open({ 'x-meta': 'slow' });
        stream.on('error', () => undefined);
        stream.write(Buffer.alloc(60_000));
        sent += 60_000;
        while (received < sent) {
          assert.equal(bed.caller.session.destroyed, false, 'the caller is closed');
          await turn();
        }
      }
    };
    await send(20);
    bed.tickAt(1000);
    const { octets } = bed.held();
    assert.ok(octets > 20 * 60_000 && octets < 2 * MIB, `${octets} octets are held`);
    await send(80);
    bed.tickAt(2000);
    // On a slow machine they have been given up once before, in the midst of the 80: those that came after it are still there.
    assert.ok(bed.held().octets < 4 * MIB, `${bed.held().octets} octets are still held`);
    await send(1);
    bed.tickAt(3000);
    // Up to a little below the limit, then beyond it between two ticks, by what waits for a pod.
    while (bed.held().octets + 60_000 < 4 * MIB) {
      await send(1);
      bed.tickAt(4000);
    }
    const stuck = bed.caller.open({ 'x-meta': 'stuck' });
    stuck.on('error', () => undefined);
    stuck.write(Buffer.alloc(200_000));
    while (bed.held().octets > 3 * MIB) await turn();
    await send(1);
    assert.equal(bed.caller.session.destroyed, false);
    bed.caller.session.destroy();
  });

  test('uploads that a pod does not take: the longest are given up, with a status, the connection stays', async () => {
    // It takes nothing of any call, but answers what has nothing to take.
    const answer = literalBlock([
      [':status', '200'],
      ['content-type', 'application/grpc'],
      ['grpc-status', '0'],
    ]);
    const pod = await startScriptedPod((id) => rawFrame(HEADERS, END_HEADERS | END_STREAM, id, answer), setting(4, 0));
    const bed = await startTimedBed(createTestSource([pod]), { limits: { maxProcessLength: 4 * MIB } });
    assert.equal((await bed.caller.call()).headers['grpc-status'], '0');
    const uploads = Array.from({ length: 40 }, () => bed.caller.call(Buffer.alloc(200_000)));
    const first = await Promise.race(uploads);
    assert.equal(first.headers['grpc-status'], '8');
    assert.match(String(first.headers['grpc-message']), /short of memory/);
    assert.equal((await bed.caller.call()).headers['grpc-status'], '0');
    assert.equal(pod.connections, 1);
    assert.ok(bed.held().octets <= 4 * MIB, `${bed.held().octets} octets are held`);
    bed.caller.session.destroy();
    await Promise.all(uploads);
  });

  test('small messages to a pod that takes nothing: they take no more memory than they have octets', async () => {
    const pod = await startScriptedPod(() => new Uint8Array(0), setting(4, 0));
    const proxy = await startBefore(pod);
    const message = rawFrame(DATA, 0, 1, [0, 0, 0, 0, 0]);
    const upload = (id: number): Uint8Array => {
      const frames = concat(...Array.from({ length: 50 }, () => message));
      for (let at = 0; at < frames.length; at += message.length) frames[at + 8] = id;
      return concat(...Array.from({ length: 1000 }, () => frames));
    };
    const attacker = new Attacker(proxy.address.port);
    attacker.socket.write(openRequest(1));
    while (!pod.received.some(({ type, flags }) => type === SETTINGS && flags === ACK)) await turn();
    const memory = new MemoryWatch();
    const streams = 20;
    for (let id = 3; id <= 2 * streams + 1; id += 2) attacker.socket.write(concat(openRequest(id, 0), upload(id)));
    let held = 0;
    while (held < streams * 250_000) {
      await turn();
      held = (await proxy.report()).pressure.heldOctets;
    }
    assert.ok(held < streams * 260_000, `${held} octets are held`);
    const grown = memory.grown();
    assert.ok(grown < 48 * MIB, `memory grew by ${grown} octets`);
    attacker.socket.destroy();
  });

  test('HTTP/2 Bomb: one-octet references, held open by a closed window (CVE-2026-47774)', async () => {
    const { proxy, caller } = await startBed(1);
    await caller.call('warm');
    const memory = new MemoryWatch();
    const attacker = new Attacker(proxy.address.port, takesNothing);
    // All of them together are no larger than a header may be: it is their number that is too large.
    const bomb = [...literalBlock(REQUEST_FIELDS), 0x40, 1, 0x78, 0, ...Array.from({ length: 1900 }, () => 0xbe)];
    for (let id = 1; id < 600; id += 2) attacker.socket.write(rawFrame(HEADERS, END_HEADERS, id, bomb));
    const answer = await attacker.frame(({ type, streamId }) => type === HEADERS && streamId === 1);
    // Trailers-Only, RESOURCE_EXHAUSTED.
    assert.ok(answer.flags & END_STREAM);
    for (let i = 0; i < 20; i++) assert.equal((await caller.call('x')).trailers['grpc-status'], '0');
    // The pod has a limit of its own, and must not be what answers.
    assert.equal((await proxy.report()).endpoints[0]?.started, 21);
    const grown = memory.grown();
    assert.ok(grown < 24 * MIB, `memory grew by ${grown} octets`);
    attacker.socket.destroy();
  });

  test('the same within the limits of each header: what open calls hold is charged to their connection', async () => {
    const { proxy, caller } = await startBed(1, echo, {}, 'RANDOM', {}, { limits: { maxQueuedLength: 100_000 } });
    const attacker = new Attacker(proxy.address.port);
    const fields = [...literalBlock(REQUEST_FIELDS), 0x40, 1, 0x78, 0, ...Array.from({ length: 90 }, () => 0xbe)];
    for (let id = 1; id < 200; id += 2) attacker.socket.write(rawFrame(HEADERS, END_HEADERS, id, fields));
    assert.equal(await attacker.outlives(), true);
    const refused = attacker.frames().filter(({ type }) => type === RST_STREAM);
    assert.deepEqual([refused.length > 80, codeOf(refused[0])], [true, REFUSED_STREAM]);
    assert.equal((await caller.call('x')).trailers['grpc-status'], '0');
    const { pressure } = await proxy.report();
    assert.ok(pressure.heldOctets <= 100_000, `${pressure.heldOctets} octets are held`);
    attacker.socket.destroy();
  });

  test('more streams than allowed are refused, the others are served', async () => {
    const settings = { limits: { maxConcurrentStreams: 3 } };
    const { proxy, caller } = await startBed(1, echo, {}, 'RANDOM', {}, settings);
    const attacker = new Attacker(proxy.address.port);
    attacker.socket.write(concat(...[1, 3, 5, 7].map((id) => openRequest(id, 0))));
    const refused = await attacker.frame(({ type }) => type === RST_STREAM);
    assert.deepEqual([refused.streamId, codeOf(refused)], [7, REFUSED_STREAM]);
    assert.equal((await caller.call('x')).trailers['grpc-status'], '0');
    attacker.socket.destroy();
  });

  test('more connections than allowed are closed as they come', async () => {
    const { proxy, caller } = await startBed(1, echo, {}, 'RANDOM', {}, { limits: { maxConnections: 2 } });
    await caller.call('first');
    const second = new Attacker(proxy.address.port);
    await second.frame(({ type }) => type === SETTINGS);
    const third = new Attacker(proxy.address.port);
    assert.equal(await third.outlives(), false);
    assert.deepEqual(third.frames(), []);
    assert.equal((await caller.call('x')).trailers['grpc-status'], '0');
    assert.equal((await proxy.report()).pressure.refusedConnections, 1);
    second.socket.destroy();
  });
});

describe('what is never finished is ended', () => {
  async function timed(): Promise<TimedBed> {
    const pod = await startPod();
    cleanUp.push(() => pod.close());
    const bed = await startTimedBed(createTestSource([pod]));
    await bed.caller.call('warm');
    return bed;
  }

  const SETTINGS_TIMEOUT = 4;
  const slow: readonly (readonly [name: string, greeting: Uint8Array, rest: Uint8Array, code: number])[] = [
    ['a connection that says nothing', new Uint8Array(), new Uint8Array(), SETTINGS_TIMEOUT],
    ['a preface that is cut off', PREFACE.subarray(0, 10), new Uint8Array(), SETTINGS_TIMEOUT],
    ['a preface without SETTINGS', PREFACE, new Uint8Array(), SETTINGS_TIMEOUT],
    [
      'SETTINGS that are never acknowledged',
      concat(PREFACE, rawFrame(SETTINGS, 0, 0)),
      new Uint8Array(),
      SETTINGS_TIMEOUT,
    ],
    [
      'a header block without its end (Slowloris)',
      concat(PREFACE, rawFrame(SETTINGS, 0, 0), rawFrame(SETTINGS, ACK, 0)),
      concat(rawFrame(HEADERS, 0, 1, literalBlock(REQUEST_FIELDS)), rawFrame(CONTINUATION, 0, 1, [0, 1, 120, 0])),
      ENHANCE_YOUR_CALM,
    ],
  ];
  for (const [name, greeting, rest, code] of slow) {
    test(name, async () => {
      const bed = await timed();
      const attacker = new Attacker(bed.port, greeting);
      if (rest.length > 0) attacker.socket.write(rest);
      // Its first octets have been read when ours, which come behind them, have been answered.
      await attacker.frame(({ type }) => type === SETTINGS);
      await bed.caller.call('x');
      for (let second = 0; second <= 10; second++) bed.tickAt(second * 1000);
      assert.equal(attacker.socket.destroyed, false, 'ten seconds are allowed');
      for (let second = 11; second <= 22; second++) bed.tickAt(second * 1000);
      assert.equal(await attacker.outlives(), false);
      assert.equal(await attacker.end(), code);
      assert.equal((await bed.caller.call('x')).trailers['grpc-status'], '0');
    });
  }

  test('a reader that takes nothing loses its stream after five minutes, not its connection', async () => {
    const pod = await startPod(generous);
    cleanUp.push(() => pod.close());
    const bed = await startTimedBed(createTestSource([pod]), { limits: { keepaliveAfterMs: 0 } });
    const attacker = new Attacker(bed.port, takesNothing);
    attacker.socket.write(rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, much));
    await attacker.frame(({ type, streamId }) => type === HEADERS && streamId === 1);
    while (bed.held().octets < 100_000) await turn();
    for (let second = 0; second <= 310; second++) bed.tickAt(second * 1000);
    assert.equal(await attacker.outlives(), true);
    assert.equal(codeOf(attacker.frames().find(({ type }) => type === RST_STREAM)), 8);
    assert.equal((await bed.caller.call('x')).trailers['grpc-status'], '0');
    attacker.socket.destroy();
  });

  test('a connection without calls is told to go after an hour', async () => {
    const bed = await timed();
    let isTold = false;
    bed.caller.session.on('goaway', () => (isTold = true));
    for (let minute = 0; minute < 60; minute++) bed.tickAt(minute * 60_000);
    await turn();
    assert.equal(isTold, false);
    bed.tickAt(3_600_000);
    // What is on its way meanwhile is still answered.
    assert.equal((await bed.caller.call('x')).trailers['grpc-status'], '0');
    assert.equal(isTold, true);
  });
});
