import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { Limits } from '@steelyard/http2';
import {
  createTestSource,
  echo,
  FLAG,
  FRAME,
  literalBlock,
  MemoryWatch,
  type PodBehaviour,
  rawFrame,
  setting,
  startPod,
  TestCaller,
} from '@steelyard/testkit';
import { silentLog } from '../../log.test-bed.ts';
import { cleanUp } from '../end-to-end/proxy.test-bed.ts';
import { startScriptedPod } from '../end-to-end/scripted-pod.test-bed.ts';
import { startProxy } from '../proxy.ts';
import { startTimedBed } from '../transport/engine.test-bed.ts';
import type { Attacker } from './attacker.test-bed.ts';

const { GOAWAY, HEADERS, RST_STREAM } = FRAME;

/** Octets that the whole process, callers and pods included, may grow by. */
const CEILING = 24 * 1024 * 1024;
/** Calls of the other caller. */
const LOOK_EVERY = 50;

/** A proxy that the mischief of a trial is done to. */
export interface Target {
  readonly port: number;
  /** Another caller. */
  readonly caller: TestCaller;
  /** Octets that are held for anybody. */
  readonly held: () => Promise<number>;
  /** Time goes by, second by second; not everywhere. */
  readonly pass: (seconds: number) => Promise<void>;
}

/** One limit, tight and loose: what becomes of the same mischief under each. */
export interface Trial {
  readonly tight: number;
  readonly loose: number;
  /** Further limits, the same both times. */
  readonly with?: Partial<Limits>;
  /** Default: it echoes. `takes nothing`: no octets of requests, whose calls it answers all the same when they have none. */
  readonly pod?: PodBehaviour | 'takes nothing';
  /** Does it, and says what came of it. */
  readonly run: (target: Target) => Promise<string>;
  readonly tightly: string;
  readonly loosely: string;
}

async function startTrialPod(pod: PodBehaviour | 'takes nothing'): Promise<{ readonly port: number }> {
  if (pod !== 'takes nothing') {
    const server = await startPod(pod);
    cleanUp.push(() => server.close());
    return server;
  }
  const answer = literalBlock([
    [':status', '200'],
    ['content-type', 'application/grpc'],
    ['grpc-status', '0'],
  ]);
  return startScriptedPod((id) => rawFrame(HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, id, answer), setting(4, 0));
}

/** By a clock of its own, as time is what these are about. */
async function startTimedTarget(pod: { readonly port: number }, limits: Partial<Limits>): Promise<Target> {
  const bed = await startTimedBed(createTestSource([pod]), { limits });
  let now = 0;
  return {
    port: bed.port,
    caller: bed.caller,
    held: async () => bed.held().octets,
    async pass(seconds) {
      for (let second = 0; second < seconds; second++) {
        bed.tickAt((now += 1000));
        // What is said in one second is answered before the next.
        assert.equal(await statusOf(bed.caller), '0');
      }
    },
  };
}

/** All of the proxy, as it is started. */
async function startWholeTarget(pod: { readonly port: number }, limits: Partial<Limits>): Promise<Target> {
  const proxy = await startProxy({
    snapshots: createTestSource([pod]),
    listen: { host: '127.0.0.1', port: 0 },
    namespace: 'default',
    log: silentLog,
    connections: { limits },
  });
  const { port } = proxy.address;
  const caller = new TestCaller(port);
  cleanUp.push(
    () => proxy.close(),
    () => caller.close(),
  );
  return {
    port,
    caller,
    held: async () => (await proxy.report()).pressure.heldOctets,
    pass: () => Promise.reject(new Error('here time goes by on its own')),
  };
}

async function statusOf(caller: TestCaller): Promise<string> {
  const { headers, trailers } = await caller.call();
  return String(headers['grpc-status'] ?? trailers['grpc-status']);
}

/** What comes of it under these limits, while the calls of another caller go on and memory stays within bounds. */
export async function runTrial(trial: Trial, limits: Partial<Limits>, timed: boolean): Promise<string> {
  const pod = await startTrialPod(trial.pod ?? echo);
  const target = await (timed ? startTimedTarget : startWholeTarget)(pod, { ...trial.with, ...limits });
  assert.equal(await statusOf(target.caller), '0');
  const memory = new MemoryWatch();
  let over = false;
  const outcome = trial.run(target).finally(() => (over = true));
  for (let calls = 0; !over || calls < 5; calls++) {
    assert.equal(await statusOf(target.caller), '0', 'the call of another caller');
    if (calls % LOOK_EVERY === 0) memory.grown();
    await turn();
  }
  const grown = memory.grown();
  assert.ok(grown < CEILING, `memory grew by ${grown} octets`);
  return outcome;
}

/** What the proxy has said of the connection's end, or of a stream's, when all that came before has been answered. */
export async function fateOf(attacker: Attacker): Promise<string> {
  await attacker.outlives();
  const fate = said(attacker);
  attacker.socket.destroy();
  return fate;
}

/** Resets and farewells, the last of each: `RST_STREAM 7`, `GOAWAY 11 too_many_pings`. */
export function said(attacker: Attacker): string {
  const frames = attacker.frames();
  const reset = frames.findLast(({ type }) => type === RST_STREAM);
  const goaway = frames.findLast(({ type }) => type === GOAWAY);
  const words: string[] = [];
  if (reset !== undefined) words.push(`RST_STREAM ${reset.payload[3]}`);
  if (goaway !== undefined) words.push(`GOAWAY ${goaway.payload[7]}`);
  return words.length === 0 ? 'nothing' : words.join(', ');
}
