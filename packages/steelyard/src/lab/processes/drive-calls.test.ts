import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallOutcome } from './drive-calls.ts';
import { driveCalls } from './drive-calls.ts';

const answered = (address: string): CallOutcome => ({ kind: 'answered', address });
const failed = (reason: string): CallOutcome => ({ kind: 'failed', reason });

/** Answers later, one after the other, by the number of the call. */
function server(outcomeOf: (call: number) => CallOutcome): {
  call: (done: (outcome: CallOutcome) => void) => void;
  most: () => number;
} {
  let calls = 0;
  let open = 0;
  let most = 0;
  return {
    call(done): void {
      const outcome = outcomeOf(calls);
      calls += 1;
      open += 1;
      most = Math.max(most, open);
      setImmediate(() => {
        open -= 1;
        done(outcome);
      });
    },
    most: () => most,
  };
}

test('makes as many calls as asked, so many at once, and counts them by pod', async () => {
  const { call, most } = server((n) => answered(n % 4 === 0 ? 'a' : 'b'));
  const latencies: number[] = [];
  const progress: number[] = [];
  let clock = 0;
  const tally = await driveCalls({
    call,
    calls: 100,
    concurrency: 7,
    now: () => clock++,
    onLatency: (milliseconds) => latencies.push(milliseconds),
    onDone: (done) => progress.push(done),
  });
  assert.deepEqual(tally, {
    calls: 100,
    errors: 0,
    callsByPod: new Map([
      ['a', 25],
      ['b', 75],
    ]),
    callsByFailure: new Map(),
  });
  assert.equal(most(), 7);
  assert.equal(latencies.length, 100);
  assert.ok(latencies.every((each) => each > 0));
  assert.equal(progress.at(-1), 100);
});

test('a failed call has no latency and is counted with its reason', async () => {
  const latencies: number[] = [];
  const tally = await driveCalls({
    call: server((n) => (n === 3 ? failed('UNAVAILABLE: gone') : answered('a'))).call,
    calls: 10,
    concurrency: 2,
    now: () => 0,
    onLatency: (milliseconds) => latencies.push(milliseconds),
  });
  assert.equal(tally.errors, 1);
  assert.deepEqual(tally.callsByFailure, new Map([['UNAVAILABLE: gone', 1]]));
  assert.equal(latencies.length, 9);
});

test('gives up where nothing but failure is to be had', async () => {
  const tally = await driveCalls({
    call: server(() => failed('no')).call,
    calls: 1_000_000,
    concurrency: 5,
    now: () => 0,
    onLatency: () => undefined,
  });
  assert.equal(tally.errors, tally.calls);
  assert.ok(tally.calls >= 10 && tally.calls < 20, `${tally.calls} calls`);
});

test('ends when it is enough', async () => {
  const tally = await driveCalls({
    call: server(() => answered('a')).call,
    calls: Infinity,
    concurrency: 3,
    now: () => 0,
    onLatency: () => undefined,
    enough: ({ calls }) => calls >= 20,
  });
  assert.ok(tally.calls >= 20 && tally.calls < 23, `${tally.calls} calls`);
});
