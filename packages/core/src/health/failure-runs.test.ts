import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import type { AttemptOutcome } from './attempt-outcome.ts';
import { FailureRuns, type RunLimits } from './failure-runs.ts';

const ISTIO: RunLimits = {
  consecutive5xxErrors: 5,
  consecutiveGatewayErrors: 0,
  splitExternalLocalOriginErrors: false,
  consecutiveLocalOriginFailures: 5,
};

const LETTERS: Readonly<Record<string, AttemptOutcome>> = {
  '.': 'good',
  g: 'gateway',
  s: 'server',
  o: 'overload',
  l: 'local',
  '-': 'none',
};

/** After which of the outcomes, counted from 1, a run reached its limit. */
function ejectedAt(outcomes: string, limits: Partial<RunLimits>): number[] {
  const runs = new FailureRuns();
  const all = { ...ISTIO, ...limits };
  return outcomes
    .split('')
    .flatMap((letter, index) => (runs.record(LETTERS[letter] ?? 'none', all) ? [index + 1] : []));
}

suite('failures in a row', () => {
  const gateway = { consecutive5xxErrors: 0, consecutiveGatewayErrors: 3 };
  const split = { splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 3 };
  const cases: readonly (readonly [name: string, outcomes: string, limits: Partial<RunLimits>, at: number[]])[] = [
    ["Istio's default: five of any kind of server error", 'gsgsl', {}, [5]],
    ['a success between starts anew', 'gggg.gggg', {}, []],
    ['a caller that gave up does not', 'gggg-g', {}, [6]],
    ['neither does a refusal, which is no server error either', 'ggggooog', {}, [8]],
    ['the count begins anew after it was reached', 'ggggggggggg', {}, [5, 10]],
    ['0 is never', 'gsgsgsgsgs', { consecutive5xxErrors: 0 }, []],
    ['gateway errors alone', 'ggg', gateway, [3]],
    ['another server error ends a run of gateway errors', 'ggsgggs', gateway, [6]],
    ['local failures are gateway errors', 'lgl', gateway, [3]],
    ['the shorter limit of two', 'gg', { consecutiveGatewayErrors: 2 }, [2]],
    ['split: local failures have a limit of their own', 'lll', split, [3]],
    ['split: they are no server errors', 'lggllggl', { ...split, consecutiveLocalOriginFailures: 9 }, []],
    ['split: a response of any kind ends their run', 'llsllgllollg.', split, []],
    ['split: with a limit of 0 they are borne', 'llllllll', { ...split, consecutiveLocalOriginFailures: 0 }, []],
  ];
  for (const [name, outcomes, limits, at] of cases) {
    test(`${name} (${outcomes})`, () => assert.deepEqual(ejectedAt(outcomes, limits), at));
  }

  test('never before the limit, never without a failure', () => {
    const outcome = fc.constantFrom<AttemptOutcome>('good', 'gateway', 'server', 'overload', 'local', 'none');
    fc.assert(
      fc.property(
        fc.array(outcome, { maxLength: 60 }),
        fc.integer({ min: 1, max: 8 }),
        fc.boolean(),
        (all, most, isSplit) => {
          const runs = new FailureRuns();
          const limits = { ...ISTIO, consecutive5xxErrors: most, splitExternalLocalOriginErrors: isSplit };
          let since = 0;
          for (const one of all) {
            since++;
            if (!runs.record(one, limits)) continue;
            assert.ok(one === 'gateway' || one === 'server' || one === 'local');
            assert.ok(since >= Math.min(most, limits.consecutiveLocalOriginFailures));
            since = 0;
          }
        },
      ),
      { seed: 4, numRuns: 300 },
    );
  });
});
