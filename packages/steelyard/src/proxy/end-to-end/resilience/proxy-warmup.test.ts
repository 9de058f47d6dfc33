import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answersWith, callTimes, compileBackend, startResilience } from './resilience.test-bed.ts';

const OK = answersWith('OK');

describe('warmup', () => {
  for (const simple of ['ROUND_ROBIN', 'RANDOM', 'LEAST_REQUEST']) {
    test(`${simple}: a pod that comes has a growing share`, async () => {
      const rules = { trafficPolicy: { loadBalancer: { simple, warmup: { duration: '100s', minimumPercent: 10 } } } };
      const bed = await startResilience([OK, OK, OK], rules);
      const [newcomer = 0, ...others] = bed.pods.map(({ port }) => port);
      bed.update(compileBackend(others, rules));
      await callTimes(bed.caller, 1);
      bed.tickAt(1_000_000);
      bed.update(compileBackend([newcomer, ...others], rules));
      const shareOf = async (): Promise<number> => {
        const before = bed.pods[0]?.calls ?? 0;
        await callTimes(bed.caller, 300);
        return ((bed.pods[0]?.calls ?? 0) - before) / 300;
      };
      const shares = [await shareOf()];
      assert.equal(bed.clusters()[0]?.members.filter(({ warmth }) => warmth < 1).length, 1);
      for (const at of [1_050_000, 1_100_000]) {
        bed.tickAt(at);
        shares.push(await shareOf());
      }
      // A tenth, half and all of its part.
      for (const [index, expected] of [1 / 21, 1 / 5, 1 / 3].entries()) {
        assert.ok(Math.abs((shares[index] ?? 0) - expected) < 0.08, shares.join());
      }
      assert.equal(bed.clusters()[0]?.members.filter(({ warmth }) => warmth < 1).length, 0);
    });
  }

  test('where all are new, all are used alike', async () => {
    const loadBalancer = { simple: 'ROUND_ROBIN', warmup: { duration: '100s' } };
    const bed = await startResilience([OK, OK], { trafficPolicy: { loadBalancer } });
    await callTimes(bed.caller, 40);
    assert.deepEqual(
      bed.pods.map(({ calls }) => calls),
      [20, 20],
    );
  });
});
