import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createSeededRandom } from '../balance/seeded-random.ts';
import type { OutlierDetectionOptions } from './outlier-detection.ts';
import { DEFAULT_OUTLIER_DETECTION, EndpointHealth, OutlierDetector } from './outlier-detection.ts';

const RATE = { enforcementPercentage: 100, minimumHosts: 3, requestVolume: 10 };

function createPods(count: number, options: Partial<OutlierDetectionOptions> = {}) {
  const detector = new OutlierDetector({ ...DEFAULT_OUTLIER_DETECTION, ...options }, createSeededRandom(1));
  const pods = Array.from({ length: count }, () => new EndpointHealth());
  for (const pod of pods) detector.add(pod);
  const run = (pod: EndpointHealth | undefined, successes: number, failures: number, nowMs = 0): void => {
    if (pod === undefined) return;
    for (let call = 0; call < successes; call++) detector.record(pod, false, nowMs);
    for (let call = 0; call < failures; call++) detector.record(pod, true, nowMs);
  };
  const ejected = (): number[] => pods.flatMap(({ ejectedAtMs }, index) => (ejectedAtMs === undefined ? [] : [index]));
  return { detector, pods, run, ejected };
}

/** Without failures in a row. */
function rates(options: Partial<OutlierDetectionOptions>): Partial<OutlierDetectionOptions> {
  return { consecutiveFailures: 1_000_000, maxEjectionPercent: 50, ...options };
}

suite('outlier detection', () => {
  test('five failures in a row eject at once; a success between starts the count again', () => {
    const { run, pods, ejected } = createPods(3);
    run(pods[0], 0, 4);
    run(pods[0], 1, 4);
    assert.deepEqual(ejected(), []);
    run(pods[0], 0, 1);
    assert.deepEqual(ejected(), [0]);
  });

  test('not more than may be, but one in any case, and never the last', () => {
    const many = createPods(20);
    for (const pod of many.pods) many.run(pod, 0, 5);
    assert.equal(many.ejected().length, 2, '10 % of 20');
    const few = createPods(3, { maxEjectionPercent: 10 });
    for (const pod of few.pods) few.run(pod, 0, 5);
    assert.equal(few.ejected().length, 1);
    const all = createPods(3, { maxEjectionPercent: 100 });
    for (const pod of all.pods) all.run(pod, 0, 5);
    assert.equal(all.ejected().length, 2);
    const one = createPods(1, { maxEjectionPercent: 100 });
    one.run(one.pods[0], 0, 50);
    assert.deepEqual(one.ejected(), []);
    const none = createPods(3, { maxEjectionPercent: 0 });
    none.run(none.pods[0], 0, 5);
    assert.deepEqual(none.ejected(), []);
  });

  test('strict: the share holds once one is counted, one may go in any case, and at 100 % the last one too', () => {
    const ejectAll = (count: number, maxEjectionPercent: number): number => {
      const { detector, pods, ejected } = createPods(count, { maxEjectionPercent, strict: true });
      for (const pod of pods) detector.eject(pod, 0);
      return ejected().length;
    };
    const cases = [
      [5, 10, 1],
      [5, 0, 0],
      [5, 40, 2],
      [5, 59, 2],
      [5, 60, 3],
      [3, 67, 2],
      [20, 10, 2],
      [1, 100, 1],
      [4, 100, 4],
    ] as const;
    for (const [count, percent, expected] of cases) {
      assert.equal(ejectAll(count, percent), expected, `${percent} % of ${count}`);
    }
  });

  test('who is let back in before its time makes room for another', () => {
    const { detector, pods, ejected } = createPods(3);
    const [one, other] = pods;
    assert.ok(one && other);
    assert.equal(detector.eject(one, 0), true);
    assert.equal(detector.eject(other, 0), false);
    assert.equal(detector.readmit(other), false);
    assert.equal(detector.readmit(one), true);
    assert.equal(detector.eject(other, 0), true);
    assert.deepEqual(ejected(), [1]);
    assert.deepEqual([one.ejections, other.ejections], [1, 1]);
  });

  test('an ejection lasts as long as it has happened times, and quiet intervals forgive', () => {
    const { detector, run, pods, ejected } = createPods(3, { baseEjectionMs: 30_000, maxEjectionMs: 45_000 });
    run(pods[0], 0, 5, 0);
    assert.equal(detector.sweep(29_999), false);
    assert.equal(detector.sweep(30_000), true);
    assert.deepEqual(ejected(), []);
    run(pods[0], 0, 5, 30_000);
    assert.equal(detector.sweep(74_000), false, 'twice the base, cut to the longest');
    assert.equal(detector.sweep(75_000), true);
    assert.equal(pods[0]?.multiplier, 2);
    detector.sweep(85_000);
    detector.sweep(95_000);
    detector.sweep(105_000);
    assert.equal(pods[0]?.multiplier, 0);
  });

  test('a success rate far below the others', () => {
    const { detector, run, pods, ejected } = createPods(5, rates({ successRate: { ...RATE, stdevFactor: 1900 } }));
    for (const [index, pod] of pods.entries()) run(pod, index === 3 ? 50 : 99, index === 3 ? 50 : 1);
    assert.equal(detector.sweep(10_000), true);
    assert.deepEqual(ejected(), [3]);
    assert.equal(detector.sweep(20_000), false, 'every interval is judged for itself');
  });

  test('a failure percentage above the threshold, and not at it', () => {
    const { detector, run, pods, ejected } = createPods(4, rates({ failurePercentage: { ...RATE, threshold: 50 } }));
    run(pods[0], 10, 10);
    run(pods[1], 9, 11);
    run(pods[2], 20, 0);
    run(pods[3], 0, 9);
    detector.sweep(10_000);
    assert.deepEqual(ejected(), [1], 'the last one had too few calls to be judged');
  });

  test('too few with enough calls: nobody is judged', () => {
    const { detector, run, pods } = createPods(4, rates({ failurePercentage: { ...RATE, threshold: 50 } }));
    run(pods[0], 0, 100);
    run(pods[1], 100, 0);
    assert.equal(detector.sweep(10_000), false);
  });

  test('enforcement of none ejects none', () => {
    const failurePercentage = { ...RATE, threshold: 50, enforcementPercentage: 0 };
    const { detector, run, pods } = createPods(4, rates({ failurePercentage }));
    for (const pod of pods) run(pod, 0, 100);
    assert.equal(detector.sweep(10_000), false);
  });

  test('one that is gone is no longer counted', () => {
    const { detector, run, pods, ejected } = createPods(3);
    const [first, second] = pods;
    run(first, 0, 5);
    if (first !== undefined) detector.delete(first);
    run(first, 0, 5);
    run(second, 0, 5);
    assert.deepEqual(ejected(), [0, 1]);
  });
});
