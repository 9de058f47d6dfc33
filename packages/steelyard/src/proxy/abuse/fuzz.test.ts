// The proxy between a caller and a pod that both send anything at all. By itself a fixed number of cases;
// `npm run fuzz -- --minutes N` runs on from FUZZ_SEED.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import {
  concat,
  createTestSource,
  FLAG,
  FRAME,
  fuzzRun,
  literalBlock,
  MemoryWatch,
  type Pick,
  PREFACE,
  randomOf,
  type RawFrame,
  rawFrame,
  setting,
  someFrame,
} from '@steelyard/testkit';
import { cleanUp } from '../end-to-end/proxy.test-bed.ts';
import { listening, startTimedBed, type TimedBed } from '../transport/engine.test-bed.ts';
import { Attacker, openRequest, wholeFrames } from './attacker.test-bed.ts';

const { DATA, HEADERS, SETTINGS } = FRAME;
const { ACK, END_HEADERS, END_STREAM } = FLAG;

const CASES = 100;
/** More turns of the event loop than it ever takes for closed sockets to be noticed. */
const PATIENCE = 20_000;
const GROWTH = 200 * 1024 * 1024;

const greeting = concat(rawFrame(SETTINGS, 0, 0, setting(4, 1_000_000)), rawFrame(SETTINGS, ACK, 0));
const RESPONSE = literalBlock([
  [':status', '200'],
  ['content-type', 'application/grpc'],
]);
const TRAILERS = literalBlock([['grpc-status', '0']]);

interface HostilePod {
  readonly port: number;
  readonly sockets: Set<Socket>;
  /** Of the case under way; undefined: it is an ordinary pod for once. */
  pick: Pick | undefined;
}

/** Answers every read with something: a whole response, or whatever comes to its mind. */
async function startHostilePod(): Promise<HostilePod> {
  const pod: { port: number } & HostilePod = { port: 0, sockets: new Set(), pick: undefined };
  const { server, port } = await listening((socket) => {
    pod.sockets.add(socket);
    socket.on('close', () => pod.sockets.delete(socket));
    socket.on('error', () => undefined);
    const { pick } = pod;
    let next = 1;
    let received: Uint8Array = new Uint8Array();
    if (pick === undefined || pick(10) > 0) socket.write(greeting);
    socket.on('data', (chunk) => {
      if (pick === undefined) {
        received = concat(received, chunk);
        const ends = wholeFrames(received.subarray(PREFACE.length)).filter(isEnd);
        for (const { streamId } of ends.filter(({ streamId: id }) => id >= next)) socket.write(answer(streamId));
        next = Math.max(next, ...ends.map(({ streamId }) => streamId + 2));
      } else if (pick(25) === 0) socket.destroy();
      else if (pick(2) === 0) socket.write(answer((next += 2) - 2));
      else socket.write(concat(...Array.from({ length: 1 + pick(4) }, () => someFrame(pick))));
    });
  });
  cleanUp.push(() => once(server.close(), 'close'));
  pod.port = port;
  return pod;
}

function isEnd({ type, flags }: RawFrame): boolean {
  return (type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0;
}

function answer(id: number): Uint8Array {
  return concat(
    rawFrame(HEADERS, END_HEADERS, id, RESPONSE),
    rawFrame(DATA, 0, id, [0, 0, 0, 0, 0]),
    rawFrame(HEADERS, END_HEADERS | END_STREAM, id, TRAILERS),
  );
}

function mischief(pick: Pick, id: number): Uint8Array {
  switch (pick(4)) {
    case 0:
      return openRequest(id, pick(2) === 0 ? END_STREAM : 0);
    case 1:
      return concat(openRequest(id, 0), rawFrame(DATA, pick(2), id, new Uint8Array(pick(10_000))));
    default:
      return concat(...Array.from({ length: 1 + pick(4) }, () => someFrame(pick)));
  }
}

/** One case; afterwards nothing may be left of it. */
async function runCase(bed: TimedBed, pod: HostilePod, seed: number, now: number): Promise<void> {
  const pick = randomOf(seed);
  pod.pick = pick;
  const attackers = Array.from({ length: 1 + pick(3) }, () => new Attacker(bed.port));
  let id = 1;
  for (let step = pick(30); step >= 0; step--) {
    const attacker = attackers[pick(attackers.length)];
    const octets = mischief(pick, id);
    id += 2;
    const cut = pick(octets.length + 1);
    if (attacker?.socket.writable === true) attacker.socket.write(octets.slice(0, cut));
    if (pick(3) === 0) await turn();
    if (attacker?.socket.writable === true) attacker.socket.write(octets.slice(cut));
    if (pick(5) === 0) await turn();
    if (pick(8) === 0) bed.tickAt(now + pick(20_000));
  }
  for (const { socket } of attackers) socket.destroy();
  for (const socket of pod.sockets) socket.destroy();
  pod.pick = undefined;
  const left = (): string => {
    const active = bed.endpoints().reduce((sum, endpoint) => sum + endpoint.active, 0);
    const { callers, octets } = bed.held();
    // One caller is the bed's own.
    return `${active} calls, ${octets} octets, ${callers - 1} callers`;
  };
  for (let i = 0; i < PATIENCE && left() !== '0 calls, 0 octets, 0 callers'; i++) await turn();
  assert.equal(left(), '0 calls, 0 octets, 0 callers');
}

test('the proxy survives a caller and a pod that send anything', async (t) => {
  const { minutes, firstSeed } = fuzzRun();
  const pod = await startHostilePod();
  const bed = await startTimedBed(createTestSource([pod]), { limits: { idleTimeoutMs: 0, keepaliveAfterMs: 0 } });
  let now = 0;
  const callWorks = async (): Promise<void> => {
    let said = '';
    // A connection of the case before may still have been under way when time leapt: then the pod is given a rest first.
    for (let attempt = 0; attempt < 3 && said !== '0'; attempt++) {
      bed.tickAt((now += 3_600_000));
      const reply = bed.caller.call('x');
      let over = false;
      void reply.finally(() => (over = true));
      // The same connection may fail the call, which is then made again after a time.
      for (; !over; await turn()) bed.tickAt((now += 1));
      const { headers, trailers } = await reply;
      said = String(headers['grpc-status'] ?? trailers['grpc-status']);
    }
    assert.equal(said, '0');
    for (const socket of pod.sockets) socket.destroy();
    while (pod.sockets.size > 0) await turn();
  };
  await callWorks();
  const memory = new MemoryWatch();
  const end = performance.now() + minutes * 60_000;
  let seed = firstSeed;
  for (; seed < firstSeed + CASES || performance.now() < end; seed++) {
    // Long enough for every wait and every budget of the case before to be over.
    bed.tickAt((now += 3_600_000));
    try {
      await runCase(bed, pod, seed, now);
      if (seed % 10 === 0) await callWorks();
    } catch (error) {
      throw new Error(`FUZZ_SEED=${seed}`, { cause: error });
    }
  }
  const grown = memory.grown();
  assert.ok(grown < GROWTH, `memory grew by ${grown} octets over ${seed - firstSeed} cases`);
  t.diagnostic(`${seed - firstSeed} cases`);
});
