// Pods that allow no streams for a while (SETTINGS_MAX_CONCURRENT_STREAMS 0, RFC 9113 §6.5.2), or whose connections are all full.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { collect, createTestSource, echo, startPod, TestCaller, type TestPodServer } from '@steelyard/testkit';
import { startTimedBed, type TimedBed } from '../transport/engine.test-bed.ts';
import { cleanUp } from './proxy.test-bed.ts';
import { compileBackend, messageOf, statusOf } from './resilience/resilience.test-bed.ts';

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

async function until(done: () => boolean): Promise<void> {
  while (!done()) await turn();
}

async function podAllowing(maxConcurrentStreams: number): Promise<TestPodServer> {
  const pod = await startPod(echo, { maxConcurrentStreams });
  cleanUp.push(() => pod.close());
  return pod;
}

/** Frames of fewer octets than a message has at least count as oddities, and a thousand at once are too many. */
const MESSAGE = '12345';

/** Says so on connections there are, and on those that come. */
function allow({ server, sessions }: TestPodServer, maxConcurrentStreams: number): void {
  server.updateSettings({ maxConcurrentStreams });
  for (const session of sessions) session.settings({ maxConcurrentStreams });
}

/** Its time does not concern the caller's own connection. */
function startBed(pods: readonly TestPodServer[]): Promise<TimedBed> {
  return startTimedBed(createTestSource(pods, 'ROUND_ROBIN'), { limits: { keepaliveAfterMs: 0 } });
}

const openTo = ({ endpoints }: TimedBed): number[] => endpoints().map(({ connections }) => connections);

describe('a pod that allows no streams', () => {
  test('has one connection, and gets the calls that wait as soon as it allows some', async () => {
    const pod = await podAllowing(0);
    const bed = await startBed([pod]);
    // The first ones are on their way before the pod has said anything.
    const calls = [1, 2, 3].map((i) => bed.caller.call(`early ${i}`));
    await until(() => bed.waiting() === 3);
    for (let i = 0; i < 50; i++) calls.push(bed.caller.call(`late ${i}`));
    await until(() => bed.waiting() === 53);
    bed.tickAt(1000);
    assert.equal(bed.attempts(), 1);
    assert.equal(pod.calls, 0);
    allow(pod, 100);
    const replies = await Promise.all(calls);
    assert.deepEqual([...new Set(replies.map(statusOf))], ['OK']);
    assert.equal(replies[52]?.body.toString(), 'late 49');
    assert.equal(bed.attempts(), 1);
  });

  test('gets none as long as there are others', async () => {
    const [shut, open] = await Promise.all([podAllowing(0), podAllowing(100)]);
    const bed = await startBed([shut, open]);
    for (let i = 0; i < 30; i++) assert.equal(statusOf(await bed.caller.call('x')), 'OK');
    assert.deepEqual([shut.calls, open.calls], [0, 30]);
    assert.deepEqual(openTo(bed), [1, 1]);
    allow(shut, 100);
    await until(() => bed.room() === 2);
    for (let i = 0; i < 10; i++) assert.equal(statusOf(await bed.caller.call('x')), 'OK');
    assert.deepEqual([shut.calls, open.calls], [5, 35]);
  });

  test('lets calls wait for as long as a connection may take, and within their deadline', async () => {
    const bed = await startBed([await podAllowing(0)]);
    const late = bed.caller.call('x');
    const hurried = bed.caller.call('x', { 'grpc-timeout': '2S' });
    await until(() => bed.waiting() === 2);
    bed.tickAt(2500);
    assert.equal(statusOf(await hurried), 'DEADLINE_EXCEEDED');
    bed.tickAt(9900);
    assert.equal(bed.waiting(), 1);
    bed.tickAt(10_000);
    const reply = await late;
    assert.equal(statusOf(reply), 'UNAVAILABLE');
    assert.match(
      messageOf(reply),
      /^steelyard: 127\.0\.0\.1:\d+ allows no calls for the moment \(SETTINGS_MAX_CONCURRENT_STREAMS is 0\)$/,
    );
    assert.equal(bed.waiting(), 0);
  });

  test('is asked anew after a minute, and again when it is back', async () => {
    const pod = await podAllowing(0);
    const bed = await startBed([pod]);
    const told = bed.caller.call('x');
    await until(() => bed.waiting() === 1);
    for (let second = 1; second <= 10; second++) bed.tickAt(second * 1000);
    assert.equal(statusOf(await told), 'UNAVAILABLE');
    for (let second = 11; second <= 75; second++) bed.tickAt(second * 1000);
    await until(() => openTo(bed)[0] === 0);
    pod.server.updateSettings({ maxConcurrentStreams: 10 });
    // Nothing is sent before the pod has said what it allows now.
    assert.equal(statusOf(await bed.caller.call('x')), 'OK');
    assert.equal(bed.attempts(), 2);
    assert.equal(pod.calls, 1);
  });

  test('does not let calls wait when it has gone', async () => {
    const pod = await podAllowing(0);
    const bed = await startBed([pod]);
    const call = bed.caller.call('x');
    await until(() => bed.waiting() === 1);
    await pod.close();
    await until(() => openTo(bed)[0] === 0);
    bed.tickAt(1000);
    await until(() => bed.attempts() === 2 && openTo(bed)[0] === 0);
    bed.tickAt(1100);
    const reply = await call;
    assert.equal(statusOf(reply), 'UNAVAILABLE');
    assert.match(messageOf(reply), /cannot be reached for the moment: connect ECONNREFUSED/);
  });

  test('a limit on calls that wait is that of its rule, else 1,024', async () => {
    const cases = [
      [{}, 1024],
      [{ trafficPolicy: { connectionPool: { http: { http1MaxPendingRequests: 3 } } } }, 3],
    ] as const;
    for (const [rule, limit] of cases) {
      const pod = await podAllowing(0);
      const current = compileBackend([pod.port], rule);
      const bed = await startTimedBed({ current }, { limits: { keepaliveAfterMs: 0 } });
      const other = new TestCaller(bed.port);
      cleanUp.push(() => other.close());
      // A first one, so that the pod has been heard of.
      const replies = [bed.caller.call(MESSAGE)];
      await until(() => bed.waiting() === 1);
      for (let i = 1; i < limit; i++) replies.push((i % 2 === 0 ? bed.caller : other).call(MESSAGE));
      await until(() => bed.waiting() === limit);
      const refused = await other.call(MESSAGE);
      assert.equal(statusOf(refused), 'UNAVAILABLE');
      assert.match(messageOf(refused), /allows no calls for the moment/);
      assert.equal(bed.clusters()[0]?.refused['maxPendingRequests'], 1);
      allow(pod, 2000);
      assert.deepEqual([...new Set((await Promise.all(replies)).map(statusOf))], ['OK']);
      assert.equal(bed.attempts(), 1);
    }
  });
});

test('calls beyond the most connections to a pod go to another, or wait', async () => {
  const [narrow, wide] = await Promise.all([podAllowing(1), podAllowing(1000)]);
  const source = createTestSource([narrow]);
  const bed = await startTimedBed(source, { limits: { keepaliveAfterMs: 0 } });
  const streams = Array.from({ length: 128 }, () => bed.caller.open());
  for (const stream of streams) stream.write('x');
  await Promise.all(streams.map((stream) => once(stream, 'data')));
  assert.equal(bed.attempts(), 128);
  const waiting = bed.caller.call('x');
  await until(() => bed.waiting() === 1);
  source.setPods([narrow, wide]);
  bed.update(source.current);
  assert.equal(statusOf(await waiting), 'OK');
  assert.equal(statusOf(await bed.caller.call('x')), 'OK');
  assert.equal(wide.calls, 2);
  source.setPods([narrow]);
  bed.update(source.current);
  const last = bed.caller.call('x');
  await until(() => bed.waiting() === 1);
  assert.ok(streams[0]);
  assert.equal(statusOf(await collect(streams[0].end())), 'OK');
  assert.equal(statusOf(await last), 'OK');
  for (const stream of streams) stream.end();
  assert.equal(bed.attempts(), 129);
});
