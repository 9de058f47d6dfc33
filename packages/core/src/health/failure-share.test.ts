import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createSeededRandom } from '../balance/seeded-random.ts';
import { createLeastRequestPicker } from '../balance/least-request.ts';
import { FailureShare } from './failure-share.ts';

class Pod {
  activeRequests = 0;
  readonly failures = new FailureShare();
  readonly failureRate: number;
  readonly callMs: number;
  calls = 0;

  constructor(failureRate: number, callMs: number) {
    this.failureRate = failureRate;
    this.callMs = callMs;
  }

  get handicap(): number {
    return this.failures.handicap;
  }
}

/** Calls at a steady rate, in virtual time; a failure is over at once. */
function simulate(pods: readonly Pod[], callsPerMs: number, seconds: number): { share: number[]; failed: number } {
  const random = createSeededRandom(5);
  const picker = createLeastRequestPicker(pods, 2, random);
  const ends: { readonly at: number; readonly pod: Pod; readonly failed: boolean }[] = [];
  let failed = 0;
  for (let now = 0; now < seconds * 1000; now++) {
    if (now % 1000 === 0) for (const pod of pods) pod.failures.decay(1000);
    while ((ends[0]?.at ?? Infinity) <= now) {
      const end = ends.shift();
      if (end === undefined) break;
      end.pod.activeRequests--;
      end.pod.failures.record(end.failed);
    }
    for (let call = 0; call < callsPerMs; call++) {
      const pod = picker.pick();
      if (pod === undefined) continue;
      pod.calls++;
      pod.activeRequests++;
      const fails = random() < pod.failureRate;
      if (fails) failed++;
      ends.push({ at: now + (fails ? 0 : pod.callMs), pod, failed: fails });
    }
    ends.sort((a, b) => a.at - b.at);
  }
  const all = pods.reduce((sum, { calls }) => sum + calls, 0);
  return { share: pods.map(({ calls }) => calls / all), failed: failed / all };
}

const podsOf = (rates: readonly number[]): Pod[] => rates.map((rate) => new Pod(rate, 8));

suite('the handicap of endpoints that fail', () => {
  test('none without failures, and a single one is nearly nothing', () => {
    const share = new FailureShare();
    assert.equal(share.record(false), false);
    assert.equal(share.handicap, 1);
    assert.equal(share.record(true), true);
    assert.ok(share.handicap < 1.5, String(share.handicap));
  });

  test('a pod that fails fast gets next to nothing; without a handicap it would get most', () => {
    const { failed } = simulate(podsOf([1, 0, 0, 0, 0]), 4, 60);
    assert.ok(failed < 0.005, `${failed} of the calls failed`);
    const blind = podsOf([1, 0, 0, 0, 0]).map((pod) => Object.defineProperty(pod, 'handicap', { value: 1 }));
    assert.ok(simulate(blind, 4, 10).failed > 0.3);
  });

  test('errors that all have alike leave the shares even', () => {
    const { share } = simulate(podsOf([0.02, 0.02, 0.02, 0.02, 0.02]), 4, 30);
    for (const part of share) assert.ok(Math.abs(part - 0.2) < 0.02, share.join());
  });

  test('where all fail, all are used', () => {
    const { share } = simulate(podsOf([1, 1, 1, 1, 1]), 2, 20);
    for (const part of share) assert.ok(Math.abs(part - 0.2) < 0.05, share.join());
  });

  test('time forgives', () => {
    const share = new FailureShare();
    for (let call = 0; call < 100; call++) share.record(true);
    assert.ok(share.handicap > 90);
    for (let second = 0; second < 10; second++) share.decay(1000);
    assert.ok(share.handicap < 4, String(share.handicap));
    for (let second = 0; second < 30; second++) share.decay(1000);
    assert.equal(share.handicap, 1);
  });
});
