import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PodBehaviour } from '@steelyard/testkit';
import {
  answersWith,
  callTimes,
  messageOf,
  type ResilienceBed,
  startResilience,
  statusOf,
} from './resilience.test-bed.ts';

const OK = answersWith('OK');
const CHECK = '/grpc.health.v1.Health/Check';

interface CheckedPod {
  /** The number of a ServingStatus, or how else it answers checks. */
  serving: number | 'UNIMPLEMENTED' | 'NOT_FOUND' | 'nothing';
  checks: number;
  readonly asked: Buffer[];
}

function checked(): CheckedPod & { readonly behaviour: PodBehaviour } {
  const pod = {
    serving: 1 as CheckedPod['serving'],
    checks: 0,
    asked: [] as Buffer[],
    behaviour: ((stream, headers) => {
      if (headers[':path'] !== CHECK) {
        OK(stream, headers);
        return;
      }
      pod.checks++;
      stream.on('data', (chunk: Buffer) => pod.asked.push(chunk));
      const { serving } = pod;
      if (serving === 'nothing') return;
      if (typeof serving === 'string') {
        answersWith(serving)(stream, headers);
        return;
      }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Uint8Array.of(0, 0, 0, 0, 2, 8, serving));
    }) satisfies PodBehaviour,
  };
  return pod;
}

const RULES = {
  trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' } },
  annotations: {
    'steelyard.dev/health-check': 'interval=10s,timeout=2s,service=a.B,unhealthy-threshold=2,healthy-threshold=1',
  },
};

const probesOf = (bed: ResilienceBed): readonly (string | undefined)[] =>
  bed.pods.map(({ port }) => bed.clusters()[0]?.members.find(({ key }) => key.endsWith(`:${port}`))?.probe);

const until = async (done: () => boolean): Promise<void> => {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
};

/** One more check of each pod, to its end. */
async function round(bed: ResilienceBed, pods: readonly CheckedPod[], at: number): Promise<void> {
  const before = pods.map(({ checks }) => checks);
  bed.tickAt(at);
  await until(() => pods.every(({ checks }, index) => checks > (before[index] ?? 0)));
}

describe('active health checks', () => {
  test('begin without a call, name the service, and take out who does not serve, until it does', async () => {
    const pods = [checked(), checked()];
    const bed = await startResilience(
      pods.map(({ behaviour }) => behaviour),
      RULES,
    );
    assert.deepEqual(probesOf(bed), ['unchecked', 'unchecked']);
    assert.equal(bed.attempts(), 0);
    await round(bed, pods, 2000);
    await until(() => probesOf(bed).every((probe) => probe === 'healthy'));
    assert.deepEqual(
      pods[0]?.asked.map((bytes) => bytes.toString('latin1')),
      ['\0\0\0\0\u0005\n\u0003a.B'],
    );
    const [sick] = pods;
    assert.ok(sick);
    sick.serving = 2;
    await round(bed, pods, 14_000);
    assert.deepEqual(await callTimes(bed.caller, 4), { OK: 4 });
    assert.equal(bed.pods[0]?.calls, 4, 'one failure is not enough: two checks and two calls');
    await round(bed, pods, 26_000);
    await until(() => probesOf(bed)[0] === 'unhealthy');
    assert.deepEqual(await callTimes(bed.caller, 4), { OK: 4 });
    assert.equal(bed.pods[0]?.calls, 5, 'three checks and two calls');
    sick.serving = 1;
    await round(bed, pods, 38_000);
    await until(() => probesOf(bed)[0] === 'healthy');
    await callTimes(bed.caller, 4);
    assert.equal(bed.pods[0]?.calls, 8);
  });

  test('a pod without the service counts as healthy, one that does not know the name does not', async () => {
    const pods = [checked(), checked(), checked()];
    const bed = await startResilience(
      pods.map(({ behaviour }) => behaviour),
      RULES,
    );
    const [without, unknown] = pods;
    assert.ok(without && unknown);
    without.serving = 'UNIMPLEMENTED';
    unknown.serving = 'NOT_FOUND';
    await round(bed, pods, 2000);
    await round(bed, pods, 14_000);
    await until(() => probesOf(bed).join() === 'healthy,unhealthy,healthy');
  });

  test('no answer in time is a failure; where all fail, calls go on: their readiness says otherwise', async () => {
    const pods = [checked()];
    const [pod] = pods;
    assert.ok(pod);
    pod.serving = 'nothing';
    const bed = await startResilience(
      pods.map(({ behaviour }) => behaviour),
      RULES,
    );
    // The connection has greeted before time goes on.
    await callTimes(bed.caller, 1);
    await round(bed, pods, 2000);
    bed.tickAt(4100);
    await round(bed, pods, 14_000);
    assert.deepEqual(probesOf(bed), ['unchecked']);
    bed.tickAt(16_100);
    assert.deepEqual(probesOf(bed), ['unhealthy']);
    const reply = await bed.caller.call('x');
    assert.equal(statusOf(reply), 'OK', messageOf(reply));
  });

  test('a success lets an ejected pod back in', async () => {
    const pods = [checked(), checked()];
    let isSick = true;
    const [first = checked(), second = checked()] = pods;
    const bed = await startResilience(
      [
        (stream, headers) =>
          isSick && headers[':path'] !== CHECK
            ? answersWith('UNAVAILABLE')(stream, headers)
            : first.behaviour(stream, headers),
        second.behaviour,
      ],
      {
        ...RULES,
        trafficPolicy: {
          ...RULES.trafficPolicy,
          outlierDetection: { consecutive5xxErrors: 1, baseEjectionTime: '1000s', maxEjectionPercent: 50 },
        },
      },
    );
    await callTimes(bed.caller, 2);
    const isEjected = (): boolean => bed.clusters()[0]?.members.some(({ ejected }) => ejected) === true;
    assert.ok(isEjected());
    isSick = false;
    await round(bed, pods, 2000);
    await until(() => !isEjected());
  });
});
