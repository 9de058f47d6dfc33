import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answersWith, callTimes, endsWith, type ResilienceBed, startResilience } from './resilience.test-bed.ts';

const OK = endsWith('OK');

async function shareOfFirst(bed: ResilienceBed, calls: number): Promise<number> {
  const before = bed.pods[0]?.calls ?? 0;
  for (let batch = 0; batch < calls / 20; batch++) {
    await Promise.all(Array.from({ length: 20 }, () => callTimes(bed.caller, 1)));
  }
  return ((bed.pods[0]?.calls ?? 0) - before) / calls;
}

describe('LEAST_REQUEST, without outlierDetection, and a pod that fails fast', () => {
  for (const status of ['UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'INTERNAL']) {
    test(`${status}: it gets next to no calls, until time forgives`, async () => {
      const bed = await startResilience([answersWith(status), OK, OK], {});
      await shareOfFirst(bed, 400);
      assert.ok((await shareOfFirst(bed, 400)) < 0.02);
      bed.tickAt(60_000);
      const again = await shareOfFirst(bed, 400);
      assert.ok(again > 0 && again < 0.3, String(again));
    });
  }

  test('a wrong request is no failure of a pod: the shares stay even', async () => {
    const bed = await startResilience([answersWith('NOT_FOUND'), answersWith('OK')], {});
    const share = await shareOfFirst(bed, 600);
    assert.ok(Math.abs(share - 0.5) < 0.1, String(share));
  });

  test('ROUND_ROBIN goes on as it is told', async () => {
    const bed = await startResilience([answersWith('UNAVAILABLE'), OK], {
      trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' } },
    });
    assert.equal(await shareOfFirst(bed, 100), 0.5);
  });
});
