import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaultRun } from './faults.ts';
import { faultBars, renderReport, rolloutBars, sumUpFaults } from './report.ts';

const RUN: FaultRun = {
  fault: 'late',
  subject: 'envoy LEAST_REQUEST',
  calls: 100,
  successPercent: 99,
  p50Ms: 5,
  p99Ms: 100,
  lagMs: 1,
  sickPercent: 4,
};

test('the rows are medians, the calls are added up', () => {
  const runs = [90, 300, 100].map((p99Ms): FaultRun => ({ ...RUN, p99Ms }));
  assert.deepEqual(sumUpFaults(runs), [{ ...RUN, runs: 3, calls: 300, p99Ms: 100 }]);
});

test('ours is held against Envoy by the same rule, within what runs differ by', () => {
  const verdicts = (ours: Partial<FaultRun>): readonly boolean[] =>
    faultBars(sumUpFaults([RUN, { ...RUN, subject: 'steelyard LEAST_REQUEST', ...ours }])).map(({ holds }) => holds);
  assert.deepEqual(verdicts({}), [true, true]);
  assert.deepEqual(verdicts({ successPercent: 98.9, p99Ms: 110 }), [true, true]);
  assert.deepEqual(verdicts({ successPercent: 98 }), [false, true]);
  assert.deepEqual(verdicts({ p99Ms: 150 }), [true, false]);
  assert.deepEqual(verdicts({ p99Ms: 150, lagMs: 40 }), [true, true], 'on a machine with much else to do');
});

test('without Envoy there is nothing to hold against', () => {
  assert.deepEqual(faultBars(sumUpFaults([{ ...RUN, subject: 'steelyard LEAST_REQUEST' }])), []);
});

test('a rollout costs no call and no stream before its pod', () => {
  const run = { subject: 'steelyard', calls: 10, failures: {}, streams: 2, streamsLost: 0 } as const;
  const verdicts = (...runs: Parameters<typeof rolloutBars>[0]): readonly boolean[] =>
    rolloutBars(runs).map(({ holds }) => holds);
  assert.deepEqual(verdicts(run), [true, true]);
  assert.deepEqual(verdicts({ ...run, failures: { 14: 1 } }), [false, true]);
  assert.deepEqual(verdicts({ ...run, streamsLost: 1 }), [true, false]);
  assert.deepEqual(verdicts({ ...run, subject: 'envoy', failures: { 14: 1 } }), [], 'a peer has no bar');
});

test('the table has a line for each', () => {
  const text = renderReport({
    date: '',
    machine: '',
    versions: {},
    missing: [],
    faults: sumUpFaults([RUN]),
    rollouts: [{ subject: 'envoy', calls: 7, failures: { 14: 2 }, streams: 3, streamsLost: 1 }],
    bars: [{ bar: 'b', value: 'v', holds: false }],
  });
  assert.match(text, /^late +envoy LEAST_REQUEST +100 +99\.00 +5\.0 +100\.0 +4\.00 +1\.0$/m);
  assert.match(text, /^envoy +7 +2 +3 +1$/m);
  assert.match(text, /^FAILS +b: v$/m);
});
