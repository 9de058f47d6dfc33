// docs/limits.md: peers that hold what they have been given, or never finish what they began.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import {
  concat,
  createTestSource,
  echo,
  FLAG,
  FRAME,
  literalBlock,
  type PodBehaviour,
  PREFACE,
  type RawFrame,
  rawFrame,
  setting,
  startPod,
} from '@steelyard/testkit';
import { cleanUp, startBed } from '../end-to-end/proxy.test-bed.ts';
import { startScriptedPod } from '../end-to-end/scripted-pod.test-bed.ts';
import { startTimedBed, type TimedBed } from '../transport/engine.test-bed.ts';
import { Attacker, openRequest, REQUEST_FIELDS } from './attacker.test-bed.ts';

const { CONTINUATION, HEADERS, RST_STREAM, SETTINGS } = FRAME;
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
    const memoryBefore = process.memoryUsage().rss;
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
    const grown = process.memoryUsage().rss - memoryBefore;
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
      else echo(stream, headers);
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
        while (received < sent) await turn();
      }
    };
    await send(20);
    bed.tickAt(1000);
    const { octets } = bed.held();
    assert.ok(octets > 20 * 60_000 && octets < 2 * MIB, `${octets} octets are held`);
    await send(80);
    bed.tickAt(2000);
    assert.ok(bed.held().octets < MIB, `${bed.held().octets} octets are still held`);
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

  test('HTTP/2 Bomb: one-octet references, held open by a closed window (CVE-2026-47774)', async () => {
    const { proxy, caller } = await startBed(1);
    await caller.call('warm');
    const memoryBefore = process.memoryUsage().rss;
    const attacker = new Attacker(proxy.address.port, takesNothing);
    const bomb = [...literalBlock(REQUEST_FIELDS), 0x40, 1, 0x78, 0, ...Array.from({ length: 4000 }, () => 0xbe)];
    for (let id = 1; id < 600; id += 2) attacker.socket.write(rawFrame(HEADERS, END_HEADERS, id, bomb));
    const answer = await attacker.frame(({ type, streamId }) => type === HEADERS && streamId === 1);
    // Trailers-Only, RESOURCE_EXHAUSTED.
    assert.ok(answer.flags & END_STREAM);
    for (let i = 0; i < 20; i++) assert.equal((await caller.call('x')).trailers['grpc-status'], '0');
    const grown = process.memoryUsage().rss - memoryBefore;
    assert.ok(grown < 64 * MIB, `memory grew by ${grown} octets`);
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
    assert.equal(await new Attacker(proxy.address.port).end(), undefined);
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
      const ended = attacker.end();
      for (let second = 11; second <= 22; second++) bed.tickAt(second * 1000);
      assert.equal(await ended, code);
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
    const reset = await attacker.frame(({ type }) => type === RST_STREAM);
    assert.equal(codeOf(reset), 8);
    assert.equal(attacker.socket.destroyed, false);
    assert.equal((await bed.caller.call('x')).trailers['grpc-status'], '0');
    attacker.socket.destroy();
  });

  test('a connection without calls is told to go after an hour', async () => {
    const bed = await timed();
    const goaway = once(bed.caller.session, 'goaway');
    for (let minute = 0; minute <= 60; minute++) bed.tickAt(minute * 60_000);
    await goaway;
  });
});
