import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answersWith, callTimes, compileBackend, endsWith, hangs, startResilience } from './resilience.test-bed.ts';

const OK = answersWith('OK');

/** An OrcaLoadReport: application_utilization (9) and rps_fractional (6). */
function loadReport(utilization: number, rps: number): string {
  const double = (value: number): Buffer => Buffer.from(new Float64Array([value]).buffer);
  return Buffer.concat([Uint8Array.of(0x49), double(utilization), Uint8Array.of(0x31), double(rps)]).toString('base64');
}

describe('policies by annotation', () => {
  test('peak-ewma: one late answer, and the others have the calls', async () => {
    const waiting: (() => void)[] = [];
    let isLate = true;
    const bed = await startResilience(
      [
        (stream, headers) => {
          if (isLate) waiting.push(() => OK(stream, headers));
          else OK(stream, headers);
        },
        OK,
        OK,
      ],
      {
        annotations: { 'steelyard.dev/load-balancer': 'peak-ewma' },
      },
    );
    const { caller, pods, tickAt, clusters } = bed;
    assert.equal(clusters()[0]?.policy, undefined);
    const replies: Promise<unknown>[] = [];
    let answered = 0;
    while ((pods[0]?.calls ?? 0) === 0) {
      replies.push(callTimes(caller, 1).then(() => answered++));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(clusters()[0]?.policy, 'PEAK_EWMA');
    while (answered < replies.length - waiting.length) await new Promise((resolve) => setImmediate(resolve));
    tickAt(500);
    isLate = false;
    for (const answer of waiting) answer();
    await Promise.all(replies);
    const late = pods[0]?.calls ?? 0;
    await callTimes(caller, 100);
    assert.equal(pods[0]?.calls, late);
  });

  test('peak-ewma: failing fast is not being fast', async () => {
    const annotations = { 'steelyard.dev/load-balancer': 'peak-ewma' };
    const bed = await startResilience([answersWith('UNAVAILABLE'), OK, OK], { annotations });
    await callTimes(bed.caller, 200);
    assert.equal(bed.pods[0]?.calls, 1);
  });

  for (const [how, behaviour] of [
    ['trailers', endsWith],
    ['a response of one header', answersWith],
  ] as const) {
    test(`weighted-round-robin: shares by the load reports in ${how}`, async () => {
      const pod = (utilization: number) =>
        behaviour('OK', { 'endpoint-load-metrics-bin': loadReport(utilization, 100) });
      const annotations = { 'steelyard.dev/load-balancer': 'weighted-round-robin' };
      const bed = await startResilience([pod(0.9), pod(0.3)], { annotations });
      await callTimes(bed.caller, 20);
      assert.deepEqual(
        bed.pods.map(({ calls }) => calls),
        [10, 10],
        'reports count after ten seconds',
      );
      bed.tickAt(11_000);
      await callTimes(bed.caller, 100);
      assert.deepEqual(
        bed.pods.map(({ calls }) => calls),
        [35, 85],
      );
    });
  }

  test('subset-size: so many of the pods, the same ones however the others come and go', async () => {
    const rules = {
      trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' } },
      annotations: { 'steelyard.dev/subset-size': '2' },
    };
    const bed = await startResilience([OK, OK, OK, OK, OK], rules);
    await callTimes(bed.caller, 10);
    const used = bed.pods.filter(({ calls }) => calls > 0);
    assert.deepEqual(
      used.map(({ calls }) => calls),
      [5, 5],
    );
    const others = bed.pods.filter(({ calls }) => calls === 0).slice(1);
    bed.update(
      compileBackend(
        [...used, ...others].map(({ port }) => port),
        rules,
      ),
    );
    await callTimes(bed.caller, 10);
    assert.deepEqual(
      used.map(({ calls }) => calls),
      [10, 10],
    );
  });

  test('a call that hangs counts while it is under way', async () => {
    const bed = await startResilience([hangs, OK], { annotations: { 'steelyard.dev/load-balancer': 'peak-ewma' } });
    const replies = Array.from({ length: 40 }, () => bed.caller.call('x'));
    await Promise.race(replies);
    assert.ok((bed.pods[0]?.calls ?? 0) < 25);
  });
});
