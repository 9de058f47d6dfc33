import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import {
  collect,
  createTestSource,
  echo,
  startPod,
  TestCaller,
  type TestPodServer,
  type TestSource,
} from '@steelyard/testkit';
import { logThat, recordingLog } from '../../log.test-bed.ts';
import { countOf } from '../metrics/metrics-histogram.ts';
import { cleanUp, silent } from '../end-to-end/proxy.test-bed.ts';
import { type Proxy, type ProxyOptions, startProxy } from '../proxy.ts';

interface Bed {
  readonly proxy: Proxy;
  readonly source: TestSource;
  readonly pods: readonly TestPodServer[];
  /** A new connection through the proxy that has made a call, so it is known to have arrived. */
  readonly open: () => Promise<TestCaller>;
}

async function startBed(count: number, more: Partial<ProxyOptions> = {}): Promise<Bed> {
  const pods = [await startPod(echo), await startPod(echo)];
  const [first] = pods;
  const source = createTestSource(first === undefined ? [] : [first], 'ROUND_ROBIN');
  const proxy = await startProxy({
    workers: count,
    snapshots: source,
    listen: { host: '127.0.0.1', port: 0 },
    namespace: 'default',
    log: silent,
    ...more,
  });
  cleanUp.push(
    () => Promise.all(pods.map((pod) => pod.close())),
    () => proxy.close(),
  );
  return {
    proxy,
    source,
    pods,
    open: async () => {
      const caller = new TestCaller(proxy.address.port);
      cleanUp.push(() => caller.close());
      assert.equal((await caller.call('hi')).trailers['grpc-status'], '0');
      return caller;
    },
  };
}

function spread({ workers }: Proxy): number[] {
  return (workers?.workers ?? []).map(({ connections }) => connections);
}

async function okCalls(proxy: Proxy): Promise<number> {
  const { methods } = await proxy.report();
  return methods.flatMap(({ ended }) => ended).reduce((sum, part) => sum + (part.status === 0 ? countOf(part) : 0), 0);
}

describe('a proxy of several processes', () => {
  test('few connections are spread evenly, and one that goes makes room where it was', async () => {
    const { proxy, open } = await startBed(4);
    const callers: TestCaller[] = [];
    for (let i = 0; i < 12; i++) callers.push(await open());
    assert.deepEqual(spread(proxy), [3, 3, 3, 3]);
    // The second worker has the 2nd, 6th and 10th.
    for (const position of [1, 5, 9]) await callers[position]?.close();
    while (spread(proxy)[1] !== 0) await proxy.report();
    for (let i = 0; i < 3; i++) await open();
    assert.deepEqual(spread(proxy), [3, 3, 3, 3]);
  });

  test('one configuration, one set of metrics', async () => {
    const { proxy, source, pods, open } = await startBed(2);
    const callers = [await open(), await open()];
    const [first, second] = pods;
    assert.ok(first !== undefined && second !== undefined);
    assert.deepEqual([first.calls, second.calls], [2, 0]);
    source.setPods([second]);
    for (const caller of callers) {
      // Both workers have heard of it when a call of each has got there.
      const before = second.calls;
      while (second.calls === before) assert.equal((await caller.call('x')).trailers['grpc-status'], '0');
    }
    const report = await proxy.report();
    assert.equal(await okCalls(proxy), first.calls + second.calls);
    assert.equal(report.downstream.opened, 2);
    assert.ok(report.endpoints.some(({ key }) => key === `127.0.0.1:${second.port}`));
  });

  test('a worker that crashes is replaced; what it had counted stays, the others go on', async () => {
    const errors: string[] = [];
    const log = logThat({ error: (message) => errors.push(message) });
    const { proxy, open } = await startBed(2, { log });
    const doomed = await open();
    const other = await open();
    assert.equal(await okCalls(proxy), 2);
    const [victim] = proxy.workers?.workers ?? [];
    assert.ok(victim?.pid !== undefined);
    process.kill(victim.pid, 'SIGKILL');
    if (!doomed.session.destroyed) await once(doomed.session, 'close');
    assert.equal((await other.call('still here')).trailers['grpc-status'], '0');
    // Its connections may close before its end is known, and until then it is given others.
    while (proxy.workers?.restarts !== 1 || proxy.workers.workers.length < 2) await proxy.report();
    await open();
    assert.deepEqual(spread(proxy), [1, 1]);
    assert.equal(proxy.workers?.restarts, 1);
    assert.equal(await okCalls(proxy), 4);
    assert.match(errors.join(), /^worker 1 ended \(SIGKILL\) with 1 connections; it is replaced$/);
  });

  test('a worker that does not answer gets no connections; one that never does is replaced', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const lines: string[] = [];
    const { proxy, open } = await startBed(2, { log: recordingLog(lines) });
    /** How many checks it took. */
    const checkUntil = async (isSo: () => boolean): Promise<number> => {
      let checks = 0;
      for (; !isSo(); checks++) {
        t.mock.timers.tick(5000);
        // The other worker has answered when this comes.
        await proxy.report();
      }
      return checks;
    };
    await open();
    const pids = (): (number | undefined)[] => (proxy.workers?.workers ?? []).map(({ pid }) => pid);
    const [victim, other] = pids();
    assert.ok(victim !== undefined);
    process.kill(victim, 'SIGSTOP');
    const found = await checkUntil(() => proxy.workers?.hangs === 1);
    assert.ok(found >= 4, `found after ${found} checks: it might just have been busy`);
    assert.deepEqual(pids(), [other]);
    for (let i = 0; i < 3; i++) await open();
    assert.deepEqual(spread(proxy), [3]);
    process.kill(victim, 'SIGCONT');
    while (pids().length < 2) await proxy.report();
    assert.deepEqual(lines, [
      'worker 1 does not answer; it gets no more connections, and has 1',
      'worker 1 answers again',
    ]);
    process.kill(victim, 'SIGSTOP');
    const killed = await checkUntil(() => proxy.workers?.restarts === 1 && pids().length === 2);
    assert.ok(killed >= 13, `killed after ${killed} checks`);
    assert.ok(!pids().includes(victim) && pids().includes(other));
    assert.equal(proxy.workers?.hangs, 2);
    assert.match(lines.join('|'), /worker 1 ended \(SIGKILL\)/);
  });

  test('drain: all workers finish their calls, then leave', async () => {
    const { proxy, open } = await startBed(2);
    const callers = [await open(), await open()];
    const streams = callers.map((caller) => caller.open());
    for (const stream of streams) {
      stream.write('x');
      await once(stream, 'data');
    }
    const drained = proxy.drain(10_000);
    await Promise.all(callers.map((caller) => once(caller.session, 'goaway')));
    const replies = streams.map((stream) => collect(stream.end('y')));
    for (const reply of await Promise.all(replies)) assert.equal(reply.trailers['grpc-status'], '0');
    await drained;
    assert.deepEqual(spread(proxy), []);
    assert.equal(await okCalls(proxy), 4);
    const socket = connect(proxy.address.port, '127.0.0.1');
    const [error] = await once(socket, 'error');
    assert.equal(error.code, 'ECONNREFUSED');
  });

  test('drain: a second, impatient one ends the first', async () => {
    const { proxy, open } = await startBed(2);
    const caller = await open();
    const stream = caller.open();
    stream.write('x');
    await once(stream, 'data');
    const reply = collect(stream);
    const patient = proxy.drain(60_000);
    await once(caller.session, 'goaway');
    await proxy.close();
    await patient;
    assert.notEqual((await reply).trailers['grpc-status'], '0');
  });

  test('a port in use', async () => {
    const { proxy } = await startBed(2);
    await assert.rejects(
      startProxy({
        workers: 2,
        snapshots: createTestSource([]),
        listen: proxy.address,
        namespace: 'default',
        log: silent,
      }),
      { code: 'EADDRINUSE' },
    );
  });
});

test('what is said of connections holds in the workers, and they hear that the end is near', async () => {
  const { proxy, open } = await startBed(2, { connections: { limits: { maxConcurrentStreams: 7 } } });
  const caller = await open();
  assert.equal(caller.session.remoteSettings.maxConcurrentStreams, 7);
  const path = '/grpc.health.v1.Health/Check';
  const health = async (): Promise<number | undefined> => {
    const authority = `127.0.0.1:${proxy.address.port}`;
    const { body } = await caller.call(Buffer.alloc(5), { ':path': path, ':authority': authority });
    return body.at(-1);
  };
  assert.equal(await health(), 1);
  proxy.leaving();
  // In the order that messages to a worker arrive in.
  await proxy.report();
  assert.equal(await health(), 2);
});
