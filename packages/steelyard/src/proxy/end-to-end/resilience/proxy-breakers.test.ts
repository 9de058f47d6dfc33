import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { collect, echo, startPod, startTcpRelay } from '@steelyard/testkit';
import { startTimedBed } from '../../transport/engine.test-bed.ts';
import { cleanUp } from '../proxy.test-bed.ts';
import {
  answersWith,
  compileBackend,
  messageOf,
  type ResilienceBed,
  startResilience,
  statusOf,
} from './resilience.test-bed.ts';

const CLUSTER = 'outbound|8000||backend.default.svc.cluster.local';

function startPool(pods: number, connectionPool: object): Promise<ResilienceBed> {
  return startResilience(
    Array.from({ length: pods }, () => echo),
    { trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' }, connectionPool } },
  );
}

/** Calls that have been answered, but not to the end. */
async function openCalls({ caller }: ResilienceBed, count: number): Promise<ReturnType<typeof caller.open>[]> {
  const streams = Array.from({ length: count }, () => caller.open());
  for (const stream of streams) stream.write('x');
  await Promise.all(streams.map((stream) => once(stream, 'data')));
  return streams;
}

const until = async (done: () => boolean): Promise<void> => {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
};

describe('connectionPool', () => {
  test('http2MaxRequests: one call more is refused, with a reason and the word not to try again', async () => {
    const bed = await startPool(2, { http: { http2MaxRequests: 3 } });
    const open = await openCalls(bed, 3);
    const refused = await bed.caller.call('x');
    assert.equal(statusOf(refused), 'UNAVAILABLE');
    assert.equal(
      messageOf(refused),
      `steelyard: ${CLUSTER} has as many calls under way as it may (connectionPool.http.http2MaxRequests: 3)`,
    );
    assert.equal(refused.headers['grpc-retry-pushback-ms'], '-1');
    assert.equal(refused.headers['x-envoy-overloaded'], 'true');
    assert.deepEqual(bed.clusters()[0]?.open, ['maxRequests']);
    assert.deepEqual(bed.clusters()[0]?.refused, { maxConnections: 0, maxPendingRequests: 0, maxRequests: 1 });
    await Promise.all(open.map((stream) => collect(stream.end())));
    assert.equal(statusOf(await bed.caller.call('x')), 'OK');
    assert.deepEqual(bed.clusters()[0]?.open, []);
  });

  test('http1MaxPendingRequests: calls that wait for a connection to be made', async () => {
    const bed = await startPool(1, { http: { http1MaxPendingRequests: 2 } });
    const replies = await Promise.all(Array.from({ length: 5 }, () => bed.caller.call('x')));
    assert.deepEqual(replies.map(statusOf).toSorted(), ['OK', 'OK', 'UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE']);
    assert.match(
      messageOf(replies.find((reply) => statusOf(reply) !== 'OK') ?? assert.fail()),
      /http1MaxPendingRequests: 2\)$/,
    );
    // There is a connection now: nobody waits.
    const later = await Promise.all(Array.from({ length: 5 }, () => bed.caller.call('x')));
    assert.deepEqual([...new Set(later.map(statusOf))], ['OK']);
  });

  const CROWDED = { tcp: { maxConnections: 1 }, http: { maxConcurrentStreams: 1, http1MaxPendingRequests: 3 } };

  test('maxConnections: no connection more, but each pod has one; calls stand in line for room', async () => {
    const bed = await startPool(2, CROWDED);
    const open = await openCalls(bed, 2);
    assert.equal(bed.attempts(), 2);
    const order: number[] = [];
    const waiting = [0, 1, 2].map(async (index) => {
      const reply = await bed.caller.call('x'.repeat(100_000));
      order.push(index);
      assert.equal(reply.body.length, 100_000);
      return statusOf(reply);
    });
    await until(() => bed.clusters()[0]?.open.includes('maxPendingRequests') === true);
    const refused = await bed.caller.call('x');
    assert.equal(statusOf(refused), 'UNAVAILABLE');
    assert.match(messageOf(refused), /may have no more connections, and those it has are full .*maxConnections: 1\)$/);
    const [first, second] = open;
    assert.ok(first && second);
    assert.equal(statusOf(await collect(first.end())), 'OK');
    assert.deepEqual(await Promise.all(waiting), ['OK', 'OK', 'OK']);
    assert.deepEqual(order, [0, 1, 2], 'first come, first served');
    assert.equal(statusOf(await collect(second.end())), 'OK');
    assert.equal(bed.attempts(), 2);
  });

  test('a call in line ends with its deadline, its caller, or its cluster', async () => {
    const bed = await startPool(1, CROWDED);
    const [open] = await openCalls(bed, 1);
    assert.ok(open);
    const late = bed.caller.call('x', { 'grpc-timeout': '1S' });
    const gone = bed.caller.open();
    gone.on('error', () => undefined).end('x');
    const last = bed.caller.call('x');
    await until(() => bed.clusters()[0]?.open.includes('maxPendingRequests') === true);
    bed.tickAt(1100);
    assert.equal(statusOf(await late), 'DEADLINE_EXCEEDED');
    gone.close(8);
    await until(() => bed.clusters()[0]?.open.includes('maxPendingRequests') === false);
    bed.update(compileBackend([], {}));
    assert.equal(statusOf(await last), 'UNAVAILABLE');
    assert.equal(statusOf(await collect(open.end())), 'OK');
  });

  test('maxConcurrentStreams: fewer on a connection than the pod allows', async () => {
    const bed = await startPool(1, { http: { maxConcurrentStreams: 2 } });
    const open = await openCalls(bed, 5);
    assert.equal(bed.attempts(), 3);
    await Promise.all(open.map((stream) => collect(stream.end())));
  });

  test('maxRequestsPerConnection: then another connection, and the old one closes', async () => {
    const bed = await startPool(1, { http: { maxRequestsPerConnection: 2 } });
    for (let call = 0; call < 4; call++) assert.equal(statusOf(await bed.caller.call('x')), 'OK');
    assert.equal(bed.attempts(), 2);
    bed.tickAt(1000);
    await until(() => bed.endpoints()[0]?.connections === 0);
    assert.equal(statusOf(await bed.caller.call('x')), 'OK');
    assert.equal(bed.attempts(), 3);
  });

  test('maxConnectionDuration: calls under way go on, new ones have another connection', async () => {
    const bed = await startPool(1, { tcp: { maxConnectionDuration: '5s' } });
    const [stream] = await openCalls(bed, 1);
    assert.ok(stream);
    bed.tickAt(4999);
    await bed.caller.call('x');
    assert.equal(bed.attempts(), 1);
    bed.tickAt(5000);
    await bed.caller.call('x');
    assert.equal(bed.attempts(), 2);
    assert.equal(statusOf(await collect(stream.end())), 'OK');
    await until(() => bed.pods[0]?.sessions.size === 1);
  });

  test('idleTimeout: a connection without calls closes', async () => {
    const bed = await startPool(1, { http: { idleTimeout: '5s' } });
    await bed.caller.call('x');
    bed.tickAt(1000);
    bed.tickAt(5999);
    assert.equal(bed.endpoints()[0]?.connections, 1);
    bed.tickAt(6000);
    await until(() => bed.endpoints()[0]?.connections === 0);
  });

  test('http2KeepAlive: a pod that went silent with calls open is given up', async () => {
    const pod = await startPod(echo);
    const relay = await startTcpRelay(() => pod.port);
    cleanUp.push(
      () => pod.close(),
      () => relay.close(),
    );
    const connectionPool = { http: { http2KeepAlive: { interval: '30s', timeout: '2s' } } };
    const current = compileBackend([relay.port], { trafficPolicy: { connectionPool } });
    // The caller's own connection is not to be asked while the test goes through time.
    const bed = { ...(await startTimedBed({ current }, { limits: { keepaliveAfterMs: 0 } })), pods: [pod] };
    const [stream] = await openCalls(bed, 1);
    assert.ok(stream);
    const ended = collect(stream);
    relay.freeze();
    bed.tickAt(1000);
    // By default it would have been asked after 5 s.
    bed.tickAt(29_000);
    bed.tickAt(32_000);
    assert.equal(bed.endpoints()[0]?.active, 1);
    bed.tickAt(34_000);
    assert.equal(statusOf(await ended), 'UNAVAILABLE');
  });

  test('clusters with other connections have their own', async () => {
    const bed = await startResilience([answersWith('OK')], {
      subsets: [
        {
          name: 'slow',
          labels: { app: 'backend' },
          trafficPolicy: { connectionPool: { tcp: { connectTimeout: '30s' } } },
        },
      ],
      route: [
        { destination: { host: 'backend' } },
        { destination: { host: 'backend', subset: 'slow' }, weight: 50 },
      ].map((destination) => ({ weight: 50, ...destination })),
    });
    for (let call = 0; call < 20; call++) await bed.caller.call('x');
    assert.equal(bed.attempts(), 2);
    assert.equal(bed.endpoints().length, 1, 'to the eye they are one pod');
    assert.equal(bed.endpoints()[0]?.started, 20);
  });
});
