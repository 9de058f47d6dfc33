import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from '@steelyard/core/model';
import { fc } from '@steelyard/testkit/properties';
import { backoffMs } from './backoff.ts';
import { isRetriable, type Outcome } from './outcome.ts';
import { parsePushback } from './pushback.ts';
import { RetryBudget } from './retry-budget.ts';
import { type RetryPlan, retryPlanOf } from './retry-plan.ts';

function planOf(policy: Partial<RetryPolicy>): RetryPlan {
  const plan = retryPlanOf({ ...DEFAULT_RETRY_POLICY, retryOn: [], ...policy });
  assert.ok(plan);
  return plan;
}

function outcome(part: Partial<Outcome>): Outcome {
  return {
    status: 2,
    httpStatus: 0,
    reset: 'none',
    rateLimited: false,
    named: false,
    pushback: undefined,
    last: () => ({ failure: { status: 2, message: '' } }),
    ...part,
  };
}

describe('a retry plan', () => {
  test('no policy is the default one, no attempts is none, and a policy has one plan', () => {
    assert.equal(retryPlanOf(undefined)?.attempts, 2);
    assert.equal(retryPlanOf({ ...DEFAULT_RETRY_POLICY, attempts: 0 }), undefined);
    const policy = { ...DEFAULT_RETRY_POLICY };
    assert.equal(retryPlanOf(policy), retryPlanOf(policy));
  });

  for (const [words, codes, statuses] of [
    [['5xx'], [], [500, 502, 503, 504, 599]],
    [['gateway-error'], [], [502, 503, 504]],
    [['retriable-4xx'], [], [409]],
    [['retriable-status-codes'], [418, 503], [418, 503]],
    [['unavailable'], [], []],
  ] as const) {
    test(`${words.join()} ${codes.join()}: HTTP ${statuses.join()}`, () => {
      const plan = planOf({ retryOn: words, statusCodes: codes });
      const all = [200, 400, 404, 409, 418, 429, 499, 500, 502, 503, 504, 599, 600];
      assert.deepEqual(
        all.filter((httpStatus) => isRetriable(plan, outcome({ httpStatus }), true)),
        statuses,
      );
    });
  }

  for (const [word, resets] of [
    ['reset', ['unconnected', 'untouched', 'refused', 'broken', 'timeout']],
    ['5xx', ['unconnected', 'untouched', 'refused', 'broken', 'timeout']],
    ['gateway-error', ['unconnected', 'untouched', 'refused', 'broken', 'timeout']],
    ['reset-before-request', ['unconnected', 'untouched']],
    ['connect-failure', ['unconnected']],
    ['refused-stream', ['untouched', 'refused']],
    ['retriable-4xx', []],
    ['http3-post-connect-failure', []],
    ['retriable-headers', []],
  ] as const) {
    test(`${word}: ${resets.join(', ') || 'no reset'}`, () => {
      const plan = planOf({ retryOn: [word] });
      const all = ['unconnected', 'untouched', 'refused', 'broken', 'timeout'] as const;
      assert.deepEqual(
        all.filter((reset) => isRetriable(plan, outcome({ reset }), true)),
        resets,
      );
    });
  }

  test('a header that the request named is a reason with any status, but not without a response', () => {
    const plan = planOf({ retryOn: ['retriable-headers'] });
    for (let status = 0; status <= 16; status++) assert.ok(isRetriable(plan, outcome({ status, named: true }), true));
    assert.ok(!isRetriable(plan, outcome({ status: 14 }), true));
  });

  test('words of gRPC are for callers that speak it', () => {
    const plan = planOf({ retryOn: ['unavailable'] });
    assert.ok(isRetriable(plan, outcome({ status: 14 }), true));
    assert.ok(!isRetriable(plan, outcome({ status: 14 }), false));
    for (let status = 0; status <= 16; status++) {
      if (status !== 14) assert.ok(!isRetriable(plan, outcome({ status }), true), String(status));
    }
  });
});

test('the backoff is somewhere below an interval that doubles up to ten times the first', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 1000, noNaN: true }),
      fc.nat(200),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (base, retry, draw) => {
        const ms = backoffMs(base, retry, () => draw);
        // Rounded, the largest draw below 1 of an interval is the interval.
        assert.ok(ms >= 0 && ms <= base * Math.min(2 ** retry, 10), `${ms}`);
      },
    ),
  );
  assert.deepEqual(
    [0, 1, 2, 3, 4, 100].map((retry) => backoffMs(25, retry, () => 0.5)),
    [12.5, 25, 50, 100, 125, 125],
  );
});

test('pushback is a whole number of milliseconds, or never', () => {
  for (const [text, expected] of [
    ['0', 0],
    ['250', 250],
    ['2147483647', 2_147_483_647],
    ['2147483648', 'never'],
    ['-1', 'never'],
    ['', 'never'],
    ['1.5', 'never'],
    [' 5', 'never'],
    ['5s', 'never'],
  ] as const) {
    assert.equal(parsePushback(text), expected, text);
  }
});

describe('a retry budget', () => {
  test('gives back what it took, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 100 }), fc.nat(5), (steps, most) => {
        const budget = new RetryBudget({ connectionPool: { maxRetries: most } }, () => 0);
        let held = 0;
        for (const isTaking of steps) {
          if (isTaking) {
            const admitted = budget.admit(() => 0);
            assert.equal(admitted, held < most);
            if (admitted) held++;
          } else if (held > 0) {
            held--;
            budget.release();
          }
          assert.equal(budget.active, held);
        }
      }),
    );
  });

  test('a share of the calls, but a few in any case; it follows its cluster', () => {
    const budget = new RetryBudget({ retryBudget: { percent: 50, minRetryConcurrency: 2 } }, () => 0);
    const admitted = (calls: number): number => {
      let count = 0;
      while (budget.admit(() => calls)) count++;
      for (let i = 0; i < count; i++) budget.release();
      return count;
    };
    assert.deepEqual([0, 3, 4, 5, 6, 100].map(admitted), [2, 2, 2, 2, 3, 50]);
    budget.update({ retryBudget: { percent: 0, minRetryConcurrency: 0 } });
    assert.equal(admitted(100), 0);
  });

  test('with an interval: a share of the attempts begun within it, whatever is under way', () => {
    let now = 0;
    const retryBudget = { percent: 20, minRetryConcurrency: 1, intervalMs: 10_000 };
    const budget = new RetryBudget({ retryBudget }, () => now);
    const admitted = (): number => {
      let count = 0;
      while (budget.admit(() => 1_000_000)) count++;
      for (let i = 0; i < count; i++) budget.release();
      return count;
    };
    assert.equal(admitted(), 1);
    for (let i = 0; i < 100; i++) budget.began();
    assert.equal(admitted(), 20);
    now = 9000;
    for (let i = 0; i < 50; i++) budget.began();
    assert.equal(admitted(), 30);
    now = 11_000;
    assert.equal(admitted(), 10);
    // The same rule once more, as when an endpoint changes: what was counted stays.
    budget.update({ retryBudget: { ...retryBudget } });
    assert.equal(admitted(), 10);
    budget.update({ retryBudget: { ...retryBudget, intervalMs: 20_000 } });
    assert.equal(admitted(), 1);
    budget.update({ retryBudget: { percent: 20, minRetryConcurrency: 1 } });
    budget.began();
    assert.equal(budget.recent, undefined);
  });

  test('the throttle: half of 1000 failures ahead of successes end it, and two successes make good one failure', () => {
    const budget = new RetryBudget({}, () => 0);
    for (let i = 0; i < 499; i++) budget.failed();
    assert.ok(budget.admit(() => 0));
    budget.failed();
    assert.ok(!budget.admit(() => 0));
    assert.equal(budget.refused, 1);
    budget.succeeded();
    assert.ok(budget.admit(() => 0));
    for (let i = 0; i < 5000; i++) budget.failed();
    for (let i = 0; i < 1000; i++) budget.succeeded();
    assert.ok(!budget.admit(() => 0));
    budget.succeeded();
    assert.ok(budget.admit(() => 0));
  });
});
