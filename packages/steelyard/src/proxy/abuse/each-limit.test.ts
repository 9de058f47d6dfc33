// docs/limits.md, row by row, through real sockets: the same mischief under a tight limit and under a loose one, so that it is this
// limit and no other that answers it. Meanwhile the calls of another caller go on, and memory stays within bounds.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { Limits } from '@steelyard/http2';
import {
  concat,
  echo,
  FLAG,
  FRAME,
  literalBlock,
  PREFACE,
  rawFrame,
  setting,
  TestCaller,
  uint32,
} from '@steelyard/testkit';
import { Attacker, openRequest, REQUEST_FIELDS } from './attacker.test-bed.ts';
import { fateOf, runTrial, said, type Target, type Trial } from './limit-trial.test-bed.ts';

const { CONTINUATION, DATA, GOAWAY, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE } = FRAME;
const { ACK, END_HEADERS, END_STREAM } = FLAG;
const MIB = 1024 * 1024;

const takesNothing = concat(PREFACE, rawFrame(SETTINGS, 0, 0, setting(4, 0)), rawFrame(SETTINGS, ACK, 0));
const much = literalBlock([...REQUEST_FIELDS, ['x-meta', 'much']]);
const stuck = literalBlock([...REQUEST_FIELDS, ['x-meta', 'stuck']]);

/** More than its caller takes, to those who ask for `much`; nothing to those who are `stuck`. */
const generous: Trial['pod'] = (stream, headers) => {
  if (headers['x-meta'] === 'stuck') return;
  if (headers['x-meta'] !== 'much') {
    echo(stream, headers);
    return;
  }
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
  stream.end(Buffer.alloc(200_000));
};

function often(frame: Uint8Array, times: number): Uint8Array {
  return concat(...Array.from({ length: times }, () => frame));
}

function open(attacker: Attacker, id: number, block: readonly number[]): void {
  attacker.socket.write(rawFrame(HEADERS, END_HEADERS | END_STREAM, id, block));
}

function resets(from: number, count: number): Uint8Array {
  const ids = Array.from({ length: count }, (_, i) => from + 2 * i);
  return concat(...ids.map((id) => concat(openRequest(id), rawFrame(RST_STREAM, 0, id, uint32(8)))));
}

/** Writes it all, and sees what becomes of it. */
function write(...octets: readonly Uint8Array[]): Trial['run'] {
  return ({ port }) => {
    const attacker = new Attacker(port);
    attacker.socket.write(concat(...octets));
    return fateOf(attacker);
  };
}

/** Lets two seconds pass between the two, all of which must have been read by then. */
function writeTwice(first: Uint8Array, second: Uint8Array): Trial['run'] {
  return async ({ port, pass }) => {
    const attacker = new Attacker(port);
    attacker.socket.write(concat(first, rawFrame(PING, 0, 0, [1, 1, 1, 1, 1, 1, 1, 1])));
    await attacker.frame(({ type, flags }) => type === PING && flags === ACK);
    await pass(2);
    attacker.socket.write(second);
    return fateOf(attacker);
  };
}

/** How a call of node:http2 with this metadata ends. */
async function callWith(port: number, headers: Record<string, string>): Promise<string> {
  const caller = new TestCaller(port);
  const goaway = once(caller.session, 'goaway').then(([code]: unknown[]) => `GOAWAY ${String(code)}`);
  const status = caller.call('', headers).then((reply) => {
    const { 'grpc-status': code = 'none' } = { ...reply.trailers, ...reply.headers };
    return code === 'none' ? goaway : `grpc-status ${String(code)}`;
  });
  const outcome = await status;
  caller.session.destroy();
  return outcome;
}

/** Holds `count` replies of 200,000 octets, less what the proxy does not take from the pod either. */
async function holdReplies({ port }: Target, count: number): Promise<Attacker> {
  const attacker = new Attacker(port, takesNothing);
  for (let id = 1; id < 2 * count; id += 2) open(attacker, id, much);
  await attacker.frame(({ type, streamId }) => type === HEADERS && streamId === 1);
  return attacker;
}

const trials: Readonly<Record<keyof Limits, Trial>> = {
  maxConcurrentStreams: {
    tight: 3,
    loose: 100,
    run: write(...[1, 3, 5, 7].map((id) => openRequest(id, 0))),
    tightly: 'RST_STREAM 7',
    loosely: 'nothing',
  },
  streamWindow: {
    tight: 20_000,
    loose: 262_144,
    pod: 'takes nothing',
    run: write(openRequest(1, 0), often(rawFrame(DATA, 0, 1, new Uint8Array(10_000)), 3)),
    tightly: 'RST_STREAM 3',
    loosely: 'nothing',
  },
  connectionWindow: {
    tight: 65_535,
    loose: MIB,
    pod: 'takes nothing',
    with: { streamWindow: 65_535, minPingIntervalMs: 0 },
    // What stalls does not use it up: as many octets as ever are taken, on a stream each, and their credit comes back.
    async run({ port, held }) {
      const attacker = new Attacker(port);
      const credit = (): number =>
        attacker
          .frames()
          .filter(({ type, streamId }) => type === WINDOW_UPDATE && streamId === 0)
          .reduce((sum, { payload }) => sum + new DataView(payload.buffer).getUint32(0), 65_535);
      await attacker.frame(({ type, flags }) => type === SETTINGS && flags === ACK);
      const announced = credit();
      for (let turn = 0; turn < 40; turn++) {
        if (credit() < (turn + 1) * 30_000) return 'used up';
        const id = 2 * turn + 1;
        attacker.socket.write(concat(openRequest(id, 0), often(rawFrame(DATA, 0, id, new Uint8Array(10_000)), 3)));
        attacker.socket.write(
          rawFrame(
            PING,
            0,
            0,
            Array.from({ length: 8 }, () => turn),
          ),
        );
        await attacker.frame(({ type, payload }) => type === PING && payload[0] === turn);
      }
      const octets = await held();
      // Twice, once the requests are counted that are kept for another try.
      assert.ok(octets >= 1_200_000 && octets < 2_600_000, `${octets} octets are held`);
      const fate = await fateOf(attacker);
      return `${fate}, a window of ${announced}`;
    },
    tightly: 'nothing, a window of 65535',
    loosely: `nothing, a window of ${MIB}`,
  },
  maxHeaderListSize: {
    tight: 1024,
    loose: 65_536,
    run: async ({ port }) => {
      const little = await callWith(port, { 'x-meta': 'x'.repeat(1500) });
      return `${little}, ${await callWith(port, { 'x-meta': 'x'.repeat(6000) })}`;
    },
    tightly: 'grpc-status 8, GOAWAY 11',
    loosely: 'grpc-status 0, grpc-status 0',
  },
  maxHeaderFields: {
    tight: 16,
    loose: 100,
    run: ({ port }) => callWith(port, Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`x-${i}`, 'y']))),
    tightly: 'grpc-status 8',
    loosely: 'grpc-status 0',
  },
  maxHeaderFrames: {
    tight: 3,
    loose: 8,
    run: write(
      rawFrame(HEADERS, END_STREAM, 1, literalBlock(REQUEST_FIELDS)),
      often(rawFrame(CONTINUATION, 0, 1, [0, 1, 120, 0]), 3),
      rawFrame(CONTINUATION, END_HEADERS, 1, [0, 1, 120, 0]),
    ),
    tightly: 'GOAWAY 11',
    loosely: 'nothing',
  },
  maxQueuedLength: {
    tight: 300_000,
    loose: 16 * MIB,
    pod: generous,
    async run(target) {
      const attacker = await holdReplies(target, 10);
      while ((await target.held()) < 1_500_000 && said(attacker) === 'nothing') await target.caller.call();
      const octets = await target.held();
      return `${await fateOf(attacker)}, ${octets < 400_000 ? 'little' : 'much'} is held`;
    },
    tightly: 'RST_STREAM 11, little is held',
    loosely: 'nothing, much is held',
  },
  maxProcessLength: {
    tight: MIB,
    loose: 256 * MIB,
    pod: generous,
    async run(target) {
      const modest = await holdReplies(target, 1);
      const greedy = await holdReplies(target, 10);
      while ((await target.held()) < 1_500_000 && !greedy.socket.closed) await target.caller.call();
      const fates = [(await greedy.outlives()) ? await fateOf(greedy) : 'closed', await fateOf(modest)];
      return fates.join(', ');
    },
    tightly: 'closed, nothing',
    loosely: 'nothing, nothing',
  },
  maxConnections: {
    tight: 2,
    loose: 100,
    async run({ port }) {
      const second = new Attacker(port);
      await second.frame(({ type }) => type === SETTINGS);
      const third = new Attacker(port);
      const fates = [(await third.outlives()) ? await fateOf(third) : 'closed', await fateOf(second)];
      return fates.join(', ');
    },
    tightly: 'closed, nothing',
    loosely: 'nothing, nothing',
  },
  resetBurst: {
    tight: 20,
    loose: 1000,
    with: { resetsPerSecond: 0 },
    run: write(resets(1, 30)),
    tightly: 'GOAWAY 11',
    loosely: 'nothing',
  },
  resetsPerSecond: {
    tight: 0,
    loose: 20,
    with: { resetBurst: 40 },
    run: writeTwice(resets(1, 25), resets(51, 25)),
    tightly: 'GOAWAY 11',
    loosely: 'nothing',
  },
  oddityBurst: {
    tight: 20,
    loose: 1000,
    with: { odditiesPerSecond: 0 },
    run: write(often(rawFrame(PRIORITY, 0, 101, [...uint32(0), 1]), 30)),
    tightly: 'GOAWAY 11',
    loosely: 'nothing',
  },
  odditiesPerSecond: {
    tight: 0,
    loose: 20,
    with: { oddityBurst: 40 },
    run: writeTwice(
      often(rawFrame(PRIORITY, 0, 101, [...uint32(0), 1]), 25),
      often(rawFrame(PRIORITY, 0, 101, [...uint32(0), 1]), 25),
    ),
    tightly: 'GOAWAY 11',
    loosely: 'nothing',
  },
  handshakeTimeoutMs: {
    tight: 1000,
    loose: 10_000,
    async run({ port, pass }) {
      const attacker = new Attacker(port, concat(PREFACE, rawFrame(SETTINGS, 0, 0)));
      await attacker.frame(({ type, flags }) => type === SETTINGS && flags === ACK);
      await pass(4);
      return fateOf(attacker);
    },
    tightly: 'GOAWAY 4',
    loosely: 'nothing',
  },
  headerTimeoutMs: {
    tight: 1000,
    loose: 10_000,
    async run({ port, pass }) {
      const attacker = new Attacker(port);
      const fields = literalBlock(REQUEST_FIELDS);
      attacker.socket.write(concat(openRequest(1), rawFrame(HEADERS, END_STREAM, 3, fields)));
      await attacker.frame(({ type, streamId }) => type === HEADERS && streamId === 1);
      await pass(4);
      if (attacker.socket.writable) attacker.socket.write(rawFrame(CONTINUATION, END_HEADERS, 3, [0, 1, 120, 0]));
      return fateOf(attacker);
    },
    tightly: 'GOAWAY 11',
    loosely: 'nothing',
  },
  stallTimeoutMs: {
    tight: 1000,
    loose: 300_000,
    pod: generous,
    with: { keepaliveAfterMs: 0 },
    async run(target) {
      const attacker = await holdReplies(target, 1);
      while ((await target.held()) < 100_000) await target.caller.call();
      await target.pass(4);
      return fateOf(attacker);
    },
    tightly: 'RST_STREAM 8',
    loosely: 'nothing',
  },
  idleTimeoutMs: {
    tight: 1000,
    loose: 10_000,
    async run({ port, pass }) {
      const attacker = new Attacker(port);
      attacker.socket.write(openRequest(1));
      await attacker.frame(({ type, flags }) => type === HEADERS && (flags & END_STREAM) !== 0);
      await pass(4);
      return fateOf(attacker);
    },
    tightly: 'GOAWAY 0',
    loosely: 'nothing',
  },
  minPingIntervalMs: {
    tight: 300_000,
    loose: 500,
    async run({ port, pass }) {
      const attacker = new Attacker(port);
      for (let i = 1; i <= 4 && !attacker.socket.closed; i++) {
        attacker.socket.write(rawFrame(PING, 0, 0, [i, i, i, i, i, i, i, i]));
        const isHeard = attacker.frame(({ type, payload }) => type === GOAWAY || payload[0] === i);
        await isHeard;
        await pass(1);
      }
      await fateOf(attacker);
      const goaway = attacker.frames().find(({ type }) => type === GOAWAY);
      return goaway === undefined ? 'nothing' : Buffer.from(goaway.payload.subarray(8)).toString();
    },
    tightly: 'too_many_pings',
    loosely: 'nothing',
  },
  keepaliveAfterMs: {
    tight: 1000,
    loose: 10_000,
    pod: generous,
    run: vanish,
    tightly: 'asked, closed',
    loosely: 'not asked, open',
  },
  keepaliveTimeoutMs: {
    tight: 1000,
    loose: 10_000,
    pod: generous,
    with: { keepaliveAfterMs: 1000 },
    run: vanish,
    tightly: 'asked, closed',
    loosely: 'asked, open',
  },
};

/** A caller with a call says nothing any more, and answers nothing either. */
async function vanish({ port, pass }: Target): Promise<string> {
  const attacker = new Attacker(port);
  open(attacker, 1, stuck);
  open(attacker, 3, much);
  await attacker.frame(({ type, streamId }) => type === HEADERS && streamId === 3);
  await pass(6);
  const isAsked = attacker.frames().some(({ type, flags }) => type === PING && flags === 0);
  const isOpen = (await fateOf(attacker)) === 'nothing';
  return `${isAsked ? 'asked' : 'not asked'}, ${isOpen ? 'open' : 'closed'}`;
}

/** Those whose mischief takes time. */
const timed: ReadonlySet<string> = new Set<keyof Limits>([
  'resetsPerSecond',
  'odditiesPerSecond',
  'handshakeTimeoutMs',
  'headerTimeoutMs',
  'stallTimeoutMs',
  'idleTimeoutMs',
  'minPingIntervalMs',
  'keepaliveAfterMs',
  'keepaliveTimeoutMs',
]);

describe('what a limit answers, it answers alone', () => {
  for (const [name, trial] of Object.entries(trials)) {
    test(name, async () => {
      const { tight, loose, tightly, loosely } = trial;
      const isTimed = timed.has(name);
      assert.equal(await runTrial(trial, { [name]: tight }, isTimed), tightly, `${tight}`);
      assert.equal(await runTrial(trial, { [name]: loose }, isTimed), loosely, `${loose}`);
    });
  }
});
