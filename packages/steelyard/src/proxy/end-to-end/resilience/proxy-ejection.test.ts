import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { PodBehaviour } from '@steelyard/testkit';
import { named, startRules, whoAnswers } from '../proxy-rules.test-bed.ts';
import {
  answersWith,
  callTimes,
  ejectedOf,
  endsWith,
  hangs,
  messageOf,
  startResilience,
  statusOf,
} from './resilience.test-bed.ts';
import { compileBackend } from './resilience.test-bed.ts';

const OK = answersWith('OK');

/** In turn, so that each of `n` pods has every n-th call. */
function policyOf(outlierDetection: object): object {
  return { trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' }, outlierDetection } };
}

describe('outlierDetection', () => {
  const sick: readonly (readonly [string, PodBehaviour])[] = [
    ...['UNAVAILABLE', 'INTERNAL', 'UNKNOWN', 'DATA_LOSS', 'DEADLINE_EXCEEDED'].map(
      (status) => [`${status} without a header`, answersWith(status)] as const,
    ),
    ['UNAVAILABLE in trailers', endsWith('UNAVAILABLE')],
    ['reset streams', (stream) => stream.close(2)],
  ];
  for (const [name, behaviour] of sick) {
    test(`five in a row eject: ${name}`, async () => {
      const bed = await startResilience([behaviour, OK, OK], policyOf({}));
      await callTimes(bed.caller, 12);
      assert.deepEqual(ejectedOf(bed), []);
      await callTimes(bed.caller, 3);
      assert.deepEqual(ejectedOf(bed), [0]);
      assert.deepEqual(await callTimes(bed.caller, 12), { OK: 12 });
      assert.equal(bed.pods[0]?.calls, 5);
    });
  }

  for (const status of ['NOT_FOUND', 'INVALID_ARGUMENT', 'UNIMPLEMENTED', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED']) {
    test(`a wrong request does not: ${status}`, async () => {
      const bed = await startResilience([answersWith(status), OK], policyOf({ consecutive5xxErrors: 1 }));
      assert.deepEqual(await callTimes(bed.caller, 40), { [status]: 20, OK: 20 });
    });
  }

  test('an ejection lasts as long as it has happened times, by sweeps every interval', async () => {
    const bed = await startResilience(
      [answersWith('UNAVAILABLE'), OK],
      policyOf({ consecutive5xxErrors: 1, interval: '1s', baseEjectionTime: '10s', maxEjectionPercent: 50 }),
    );
    const sweepUntil = (from: number, until: number): void => {
      for (let now = from; now <= until; now += 1000) bed.tickAt(now);
    };
    await callTimes(bed.caller, 2);
    assert.deepEqual(ejectedOf(bed), [0]);
    sweepUntil(1000, 9000);
    assert.deepEqual(ejectedOf(bed), [0]);
    bed.tickAt(10_000);
    assert.deepEqual(ejectedOf(bed), []);
    await callTimes(bed.caller, 2);
    assert.deepEqual(ejectedOf(bed), [0], 'again');
    sweepUntil(11_000, 29_000);
    assert.deepEqual(ejectedOf(bed), [0], 'for twice as long');
    bed.tickAt(30_000);
    assert.deepEqual(ejectedOf(bed), []);
    assert.equal(
      bed.clusters()[0]?.members.reduce((sum, { ejections }) => sum + ejections, 0),
      2,
    );
  });

  test('no more than maxEjectionPercent', async () => {
    const bad = answersWith('UNAVAILABLE');
    const bed = await startResilience(
      [bad, bad, bad, OK],
      policyOf({ consecutive5xxErrors: 1, maxEjectionPercent: 50 }),
    );
    await callTimes(bed.caller, 20);
    assert.equal(ejectedOf(bed).length, 2);
  });

  test('all of them at 100 %: calls are told so', async () => {
    const rules = policyOf({ consecutive5xxErrors: 1, maxEjectionPercent: 100 });
    const bed = await startResilience([answersWith('UNAVAILABLE'), answersWith('UNAVAILABLE')], rules);
    await callTimes(bed.caller, 2);
    const reply = await bed.caller.call('x');
    assert.equal(statusOf(reply), 'UNAVAILABLE');
    assert.equal(
      messageOf(reply),
      'steelyard: outbound|8000||backend.default.svc.cluster.local has no endpoint left: all 2 are ejected for failing',
    );
    assert.deepEqual(
      bed.pods.map(({ calls }) => calls),
      [1, 1],
    );
  });

  test('below minHealthPercent all are used, sick or not', async () => {
    const rules = policyOf({ consecutive5xxErrors: 1, maxEjectionPercent: 100, minHealthPercent: 50 });
    const bed = await startResilience([answersWith('UNAVAILABLE'), answersWith('UNAVAILABLE'), OK], rules);
    await callTimes(bed.caller, 3);
    assert.deepEqual(ejectedOf(bed), [0, 1]);
    assert.deepEqual(await callTimes(bed.caller, 9), { UNAVAILABLE: 6, OK: 3 });
  });

  test('a pod that hangs, by the deadline of calls', async () => {
    const bed = await startResilience([hangs, OK], policyOf({ consecutive5xxErrors: 2, maxEjectionPercent: 50 }));
    const { caller, tickAt } = bed;
    for (let round = 1; round <= 2; round++) {
      const hung = caller.call('x', { 'grpc-timeout': '1S' });
      const other = caller.call('x', { 'grpc-timeout': '1S' });
      const first = await Promise.race([hung, other]);
      assert.equal(statusOf(first), 'OK');
      while ((bed.pods[0]?.calls ?? 0) < round) await new Promise((resolve) => setImmediate(resolve));
      tickAt(round * 2000);
      assert.deepEqual([statusOf(await hung), statusOf(await other)].toSorted(), ['DEADLINE_EXCEEDED', 'OK']);
    }
    assert.deepEqual(ejectedOf(bed), [0]);
  });

  test('a caller that cancels says nothing of the pod', async () => {
    const bed = await startResilience([hangs, hangs], policyOf({ consecutive5xxErrors: 1, maxEjectionPercent: 100 }));
    for (let call = 1; call <= 6; call++) {
      const stream = bed.caller.open({ 'grpc-timeout': '1S' });
      stream.on('error', () => undefined);
      stream.end('x');
      while (bed.pods.reduce((sum, { calls }) => sum + calls, 0) < call)
        await new Promise((resolve) => setImmediate(resolve));
      stream.close(8);
      await once(stream, 'close');
    }
    while (bed.endpoints().some(({ active }) => active > 0)) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(ejectedOf(bed), []);
  });

  test('connections that fail are failures of local origin, with a limit of their own when split', async () => {
    const split = { splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 2, consecutive5xxErrors: 1 };
    const reset: PodBehaviour = (stream) => stream.close(2);
    const bed = await startResilience([reset, OK], policyOf({ ...split, maxEjectionPercent: 50 }));
    await callTimes(bed.caller, 2);
    assert.deepEqual(ejectedOf(bed), [], 'a 5xx limit of 1 does not count it');
    await callTimes(bed.caller, 2);
    assert.deepEqual(ejectedOf(bed), [0]);
  });

  test('health is each cluster’s own, connections are shared', async () => {
    const rules = {
      ...policyOf({ consecutive5xxErrors: 1, maxEjectionPercent: 50 }),
      subsets: [{ name: 'all', labels: { app: 'backend' } }],
    };
    const bed = await startResilience([answersWith('UNAVAILABLE'), OK], rules);
    await callTimes(bed.caller, 2);
    const route = [{ destination: { host: 'backend', subset: 'all' } }];
    bed.update(
      compileBackend(
        bed.pods.map(({ port }) => port),
        { ...rules, route },
      ),
    );
    assert.deepEqual(await callTimes(bed.caller, 2), { UNAVAILABLE: 1, OK: 1 });
    assert.equal(bed.attempts(), 2);
    assert.deepEqual(ejectedOf(bed), [0]);
    assert.deepEqual(ejectedOf(bed, 'outbound|8000|all|backend.default.svc.cluster.local'), [0]);
  });

  test('pods that stay when others come keep what is known of them', async () => {
    const rules = policyOf({ consecutive5xxErrors: 1, maxEjectionPercent: 50 });
    const bed = await startResilience([answersWith('UNAVAILABLE'), OK, OK], rules);
    const [bad = 0, ...good] = bed.pods.map(({ port }) => port);
    bed.update(compileBackend([bad, good[0] ?? 0], rules));
    await callTimes(bed.caller, 2);
    bed.update(compileBackend([bad, ...good], rules));
    assert.deepEqual(ejectedOf(bed), [0]);
    assert.deepEqual(await callTimes(bed.caller, 8), { OK: 8 });
  });
});

describe('ejection by comparison', () => {
  test('counts RESOURCE_EXHAUSTED, and judges at the end of an interval', async () => {
    const annotations = {
      'steelyard.dev/failure-percentage-ejection': 'threshold=50,minimum-hosts=3,request-volume=5',
    };
    const trafficPolicy = { loadBalancer: { simple: 'ROUND_ROBIN' } };
    const bed = await startResilience([OK, answersWith('RESOURCE_EXHAUSTED'), OK], { trafficPolicy, annotations });
    await callTimes(bed.caller, 18);
    assert.deepEqual(ejectedOf(bed), []);
    bed.tickAt(9999);
    assert.deepEqual(ejectedOf(bed), []);
    bed.tickAt(10_000);
    assert.deepEqual(ejectedOf(bed), [1]);
    assert.deepEqual(await callTimes(bed.caller, 6), { OK: 6 });
  });

  test('by success rates', async () => {
    const annotations = { 'steelyard.dev/success-rate-ejection': 'stdev-factor=1000,minimum-hosts=3,request-volume=5' };
    const trafficPolicy = {
      loadBalancer: { simple: 'ROUND_ROBIN' },
      outlierDetection: { consecutive5xxErrors: 0, interval: '2s' },
    };
    let turn = 0;
    const mixed: PodBehaviour = (stream, headers) => answersWith(turn++ % 2 === 0 ? 'INTERNAL' : 'OK')(stream, headers);
    const bed = await startResilience([OK, OK, mixed, OK], { trafficPolicy, annotations });
    await callTimes(bed.caller, 40);
    bed.tickAt(2000);
    assert.deepEqual(ejectedOf(bed), [2]);
  });
});

test('when the near pods are ejected the next place has the calls', async () => {
  const place = (zone: string, behaviour: PodBehaviour) => ({ zone, behaviour });
  const { caller } = await startRules({
    pods: [place('z1', answersWith('UNAVAILABLE')), place('z1', answersWith('INTERNAL')), place('z2', named('far'))],
    trafficPolicy: {
      loadBalancer: { simple: 'ROUND_ROBIN' },
      outlierDetection: { consecutive5xxErrors: 1, maxEjectionPercent: 100 },
    },
    http: [{ route: [{ destination: { host: 'backend' } }], retries: { attempts: 0 } }],
    client: { clientLocality: { region: 'r', zone: 'z1', subzone: '' } },
  });
  const names = await whoAnswers(
    caller,
    Array.from({ length: 10 }, () => ({})),
  );
  assert.deepEqual(names.slice(0, 2).toSorted(), ['status 13', 'status 14']);
  assert.deepEqual(new Set(names.slice(2)), new Set(['far']));
});
