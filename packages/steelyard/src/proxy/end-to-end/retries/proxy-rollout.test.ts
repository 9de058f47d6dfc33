import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { collect, echo, type PodBehaviour, startPod, type TestCaller, type TestPodServer } from '@steelyard/testkit';
import { cleanUp, startBed } from '../proxy.test-bed.ts';
import { says, statusOf } from './scripted-pods.test-bed.ts';

interface Load {
  readonly done: () => number;
  /** Resolves when so many calls more have ended. */
  readonly after: (calls: number) => Promise<void>;
  /** What became of the calls, in all. */
  readonly stop: () => Promise<ReadonlyMap<string, number>>;
}

/** Keeps so many unary calls under way. */
function unaryLoad(caller: TestCaller, underWay: number): Load {
  const ended = new Map<string, number>();
  let done = 0;
  let isRunning = true;
  const one = async (): Promise<void> => {
    while (isRunning) {
      const status = statusOf(await caller.call('x'));
      ended.set(status, (ended.get(status) ?? 0) + 1);
      done++;
    }
  };
  cleanUp.push(() => {
    isRunning = false;
    return Promise.resolve();
  });
  const all = Promise.all(Array.from({ length: underWay }, one));
  return {
    done: () => done,
    async after(calls) {
      const target = done + calls;
      while (done < target) await new Promise((resolve) => setImmediate(resolve));
    },
    async stop() {
      isRunning = false;
      await all;
      return ended;
    },
  };
}

/** So many turns of the event loop: calls are under way in the meantime. */
function later(turns: number, run: () => void): void {
  setImmediate(() => (turns === 0 ? run() : later(turns - 1, run)));
}

/** How a pod goes. */
type Departure = (pod: TestPodServer, forget: () => void, load: Load) => Promise<void>;

const sockets = new WeakMap<TestPodServer, Set<Socket>>();

/** Its connections can be cut. */
function watched(pod: TestPodServer): TestPodServer {
  const open = new Set<Socket>();
  pod.server.on('connection', (socket: Socket) => open.add(socket));
  sockets.set(pod, open);
  return pod;
}

const DEPARTURES: readonly (readonly [string, PodBehaviour, Departure])[] = [
  [
    'the Snapshot first, then the pod, which finishes its calls',
    echo,
    async (pod, forget, load) => {
      forget();
      await load.after(50);
      for (const session of pod.sessions) session.close();
      pod.server.close();
    },
  ],
  [
    'the pod says GOAWAY before the Snapshot knows',
    echo,
    async (pod, forget, load) => {
      pod.server.close();
      for (const session of pod.sessions) session.close();
      await load.after(100);
      forget();
    },
  ],
  [
    'the pod dies with calls under way',
    (stream, headers) => later(20, () => stream.destroyed || says('OK')(stream, headers)),
    async (pod, forget, load) => {
      // With the next call that comes, and whatever else it has.
      await once(pod.server, 'stream');
      for (const socket of sockets.get(pod) ?? []) socket.destroy();
      pod.server.close();
      await load.after(100);
      forget();
    },
  ],
];

describe('all pods are replaced one by one under load, and no unary call fails', () => {
  for (const [how, behaviour, leave] of DEPARTURES) {
    test(how, async () => {
      const { pods: old, source, caller } = await startBed(3, behaviour, {}, 'LEAST_REQUEST');
      for (const pod of old) watched(pod);
      const load = unaryLoad(caller, 30);
      await load.after(100);
      const current = new Set(old);
      for (const pod of old) {
        const fresh = await startPod(behaviour);
        cleanUp.push(() => fresh.close());
        current.add(fresh);
        source.setPods([...current]);
        await load.after(100);
        const forget = (): void => {
          current.delete(pod);
          source.setPods([...current]);
        };
        await leave(pod, forget, load);
        await load.after(50);
      }
      const ended = await load.stop();
      assert.deepEqual([...ended.keys()], ['OK'], JSON.stringify([...ended]));
    });
  }

  test('streams go on until their pod ends them', async () => {
    const { pods: old, source, caller } = await startBed(3, echo, {}, 'ROUND_ROBIN');
    const load = unaryLoad(caller, 10);
    const streams = Array.from({ length: 12 }, () => caller.open());
    const replies = streams.map(collect);
    await Promise.all(streams.map((stream) => (stream.write('a'), once(stream, 'data'))));
    for (const pod of old) assert.ok(pod.calls > 0);
    const fresh = await Promise.all(old.map(() => startPod(echo)));
    for (const pod of fresh) cleanUp.push(() => pod.close());
    source.setPods(fresh);
    for (const { sessions } of old) for (const session of sessions) session.close();
    await load.after(100);
    // Theirs are the old pods still, which take no others.
    await Promise.all(streams.map((stream) => (stream.write('b'), once(stream, 'data'))));
    for (const stream of streams) stream.end('c');
    for (const reply of replies) {
      const got = await reply;
      assert.equal(statusOf(got), 'OK');
      assert.equal(String(got.body), 'abc');
    }
    assert.deepEqual([...(await load.stop()).keys()], ['OK']);
  });
});
