import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { BackendWeight } from './backend-weight.ts';
import { AT_ONCE, assertShares, countPicks, podsOf } from './balancing.test-bed.ts';
import { createSeededRandom } from './seeded-random.ts';
import { completeWeights, createWeightedRoundRobinPicker } from './weighted-round-robin.ts';
import { createWeightedSchedule } from './weighted-schedule.ts';

suite('weighted schedule', () => {
  const cases: readonly (readonly number[])[] = [
    [1, 1],
    [1, 2, 3],
    [200, 200, 1],
    [0, 1],
    [1, 0, 4],
    [1e-9, 1e9],
  ];
  for (const weights of cases) {
    test(`${weights.join()}: each its share, never many in a row`, () => {
      const next = createWeightedSchedule(weights, createSeededRandom(3));
      const counts = weights.map(() => 0);
      for (let turn = 0; turn < 100_000; turn++) {
        const index = next();
        counts[index] = (counts[index] ?? 0) + 1;
      }
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (const [index, weight] of weights.entries()) {
        const expected = (100_000 * weight) / total;
        const share = counts[index] ?? 0;
        assert.ok(Math.abs(share - expected) <= Math.max(3, expected * 0.001), `${counts.join()} of ${weights.join()}`);
      }
    });
  }
});

suite('WEIGHTED_ROUND_ROBIN', () => {
  const report = (requestsPerSecond: number, utilization: number, errorsPerSecond = 0) => ({
    requestsPerSecond,
    utilization,
    errorsPerSecond,
  });

  test('turns in proportion to what the backends say they can do', () => {
    const pods = podsOf(3);
    for (const [index, utilization] of [0.25, 0.5, 1].entries()) {
      pods[index]?.backendWeight.report(report(100, utilization), AT_ONCE, 0);
    }
    const picker = createWeightedRoundRobinPicker(pods, AT_ONCE, createSeededRandom(2), () => 0);
    assertShares(countPicks(picker, 3, 7000), [4, 2, 1]);
  });

  test('a newcomer without a weight counts as one of mean weight: it gets a third, where grpc-js gives it nothing', () => {
    const pods = podsOf(3);
    for (const pod of pods.slice(0, 2)) pod.backendWeight.report(report(100, 0.5), AT_ONCE, 0);
    const picker = createWeightedRoundRobinPicker(pods, AT_ONCE, createSeededRandom(2), () => 0);
    const counts = countPicks(picker, 3, 300);
    for (const count of counts) assert.ok(Math.abs(count - 100) <= 1, counts.join());
  });

  test('with one weight only all are equal', () => {
    const pods = podsOf(3);
    pods[0]?.backendWeight.report(report(1000, 0.1), AT_ONCE, 0);
    const picker = createWeightedRoundRobinPicker(pods, AT_ONCE, createSeededRandom(2), () => 0);
    const counts = countPicks(picker, 3, 300);
    for (const count of counts) assert.ok(Math.abs(count - 100) <= 1, counts.join());
  });

  test('follows new weights after the update period, not before', () => {
    let nowMs = 0;
    const pods = podsOf(2);
    for (const pod of pods) pod.backendWeight.report(report(100, 0.5), AT_ONCE, 0);
    const picker = createWeightedRoundRobinPicker(pods, AT_ONCE, createSeededRandom(2), () => nowMs);
    picker.pick();
    pods[0]?.backendWeight.report(report(100, 0.125), AT_ONCE, 0);
    nowMs = 999;
    assert.deepEqual(countPicks(picker, 2, 100), [50, 50]);
    nowMs = 1000;
    assertShares(countPicks(picker, 2, 1000), [4, 1]);
  });

  const weights: readonly { name: string; weights: number[]; completed: number[] }[] = [
    { name: 'none known', weights: [0, 0], completed: [1, 1] },
    { name: 'one known', weights: [5, 0], completed: [1, 1] },
    { name: 'the mean for the unknown', weights: [1, 3, 0], completed: [1, 3, 2] },
    { name: 'what is far off is cut', weights: [100, 100, 100, 100, 1], completed: [100, 100, 100, 100, 8.02] },
  ];
  for (const { name, weights: given, completed } of weights) {
    test(name, () => assert.deepEqual(completeWeights(given), completed));
  }
});

suite('weight of a backend (gRFC A58)', () => {
  const options = { blackoutPeriodMs: 10_000, weightExpirationPeriodMs: 180_000, errorUtilizationPenalty: 1 };
  const report = { requestsPerSecond: 100, errorsPerSecond: 0, utilization: 0.5 };

  test('counts after the blackout, and until reports stop', () => {
    const weight = new BackendWeight();
    assert.equal(weight.at(options, 0), 0);
    weight.report(report, options, 1000);
    assert.equal(weight.at(options, 10_999), 0);
    assert.equal(weight.at(options, 11_000), 200);
    assert.equal(weight.at(options, 180_999), 200);
    assert.equal(weight.at(options, 181_000), 0);
    weight.report(report, options, 182_000);
    assert.equal(weight.at(options, 183_000), 0, 'a new blackout begins');
  });

  test('errors cost, by their share', () => {
    const weight = new BackendWeight();
    weight.report({ ...report, errorsPerSecond: 50 }, { ...options, blackoutPeriodMs: 0 }, 0);
    assert.equal(weight.at({ ...options, blackoutPeriodMs: 0 }, 0), 100);
  });

  for (const useless of [
    { ...report, requestsPerSecond: 0 },
    { ...report, utilization: 0 },
    { ...report, utilization: Number.NaN },
    { ...report, requestsPerSecond: Infinity },
    { ...report, requestsPerSecond: -1 },
  ]) {
    test(`passes over ${JSON.stringify(useless)}`, () => {
      const weight = new BackendWeight();
      weight.report(useless, { ...options, blackoutPeriodMs: 0 }, 0);
      assert.equal(weight.at({ ...options, blackoutPeriodMs: 0 }, 0), 0);
    });
  }

  test('a new connection begins anew', () => {
    const weight = new BackendWeight();
    weight.report(report, options, 0);
    weight.forget();
    assert.equal(weight.at(options, 20_000), 0);
  });
});
