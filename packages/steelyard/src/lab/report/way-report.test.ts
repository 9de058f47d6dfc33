import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pod } from '../lab.test-bed.ts';
import type { Way } from '../ways/way.ts';
import type { Outcome } from './lab-report.ts';
import { reportWay } from './way-report.ts';

const PODS = [
  pod('10.0.0.1', 8000, { podName: 'a' }),
  pod('10.0.0.2', 8000, { podName: 'b' }),
  pod('10.0.0.3', 8000, { podName: 'c' }),
];
const THIRDS = [1 / 3, 1 / 3, 1 / 3];

interface Case {
  readonly name: string;
  readonly way: Way;
  readonly counts: readonly number[];
  readonly expected?: readonly number[];
  readonly failures?: readonly [string, number][];
  readonly outcome: Outcome;
  readonly asExpected: boolean;
  readonly verdict: string;
}

const cases: readonly Case[] = [
  {
    name: 'the service way with all on one pod',
    way: 'service',
    counts: [0, 900, 0],
    outcome: 'pinned',
    asExpected: true,
    verdict:
      "One connection, one pod: all 900 calls landed on b while 2 other pods idled, because the Service's rules choose " +
      'a pod once per connection (33.3 % each) and gRPC keeps one connection for all its calls.',
  },
  {
    name: 'the service way with a spread no single connection can have',
    way: 'service',
    counts: [300, 300, 300],
    outcome: 'balanced',
    asExpected: false,
    verdict: "Each pod's share fits the rules' probabilities (p = 1.00), which one connection cannot do.",
  },
  {
    name: 'a fitting spread',
    way: 'proxy',
    counts: [310, 290, 300],
    outcome: 'balanced',
    asExpected: true,
    verdict: "Balanced call by call: each pod's share fits what the proxy's RANDOM promises (p = 0.717).",
  },
  {
    name: 'a balancing way with all on one pod',
    way: 'headless',
    counts: [900, 0, 0],
    outcome: 'pinned',
    asExpected: false,
    verdict: 'Not balanced: all 900 calls landed on a while 2 other pods idled.',
  },
  {
    name: 'a spread that is off',
    way: 'proxy',
    counts: [500, 200, 200],
    outcome: 'off',
    asExpected: false,
    verdict:
      'The spread is off: a has 55.6 % of the calls where 33.3 % was expected, which chance does not explain ' +
      '(p < 1e-15).',
  },
  {
    name: 'weights, met',
    way: 'proxy',
    counts: [450, 450, 100],
    expected: [0.45, 0.45, 0.1],
    outcome: 'balanced',
    asExpected: true,
    verdict: "Balanced call by call: each pod's share fits what the proxy's RANDOM promises (p = 1.00).",
  },
  {
    name: 'calls on a pod that none was promised',
    way: 'proxy',
    counts: [450, 449, 1],
    expected: [0.5, 0.5, 0],
    outcome: 'off',
    asExpected: false,
    verdict:
      'The spread is off: c has 0.1 % of the calls where 0.0 % was expected, which chance does not explain (p < 1e-15).',
  },
  {
    name: 'failures, whatever the spread',
    way: 'proxy',
    counts: [300, 300, 300],
    failures: [
      ['UNAVAILABLE: gone', 2],
      ['INTERNAL: odd', 5],
    ],
    outcome: 'failing',
    asExpected: false,
    verdict: '7 of 907 calls failed, most often with INTERNAL: odd.',
  },
  {
    name: 'failures only',
    way: 'proxy',
    counts: [0, 0, 0],
    failures: [['UNAVAILABLE: gone', 100]],
    outcome: 'failing',
    asExpected: false,
    verdict: '100 of 100 calls failed, most often with UNAVAILABLE: gone.',
  },
  {
    name: 'one pod on the service way',
    way: 'service',
    counts: [900],
    expected: [1],
    outcome: 'balanced',
    asExpected: true,
    verdict: 'There is only one pod, and it has every call.',
  },
];

for (const { name, way, counts, expected = THIRDS, failures = [], outcome, asExpected, verdict } of cases) {
  test(`report of ${name}`, () => {
    const pods = PODS.slice(0, counts.length);
    const keys = pods.map(({ address, port }) => `${address}:${port}`);
    const errors = failures.reduce((sum, [, calls]) => sum + calls, 0);
    const report = reportWay({
      way,
      pods,
      expected: new Map(keys.map((key, index) => [key, expected[index] ?? 0])),
      balancedBy: "the proxy's RANDOM",
      how: 'how',
      measured: {
        kind: 'calls-measured',
        tally: {
          calls: counts.reduce((sum, count) => sum + count, errors),
          errors,
          callsByPod: new Map(keys.map((key, index) => [key, counts[index] ?? 0])),
          callsByFailure: new Map(failures),
        },
        latency: { medianMs: 1, p99Ms: 2 },
        elapsedMs: 500,
      },
    });
    assert.equal(report.outcome, outcome);
    assert.equal(report.asExpected, asExpected);
    assert.equal(report.verdict, verdict);
    assert.equal(report.errors, errors);
    assert.equal(report.callsPerSecond, (report.calls - errors) * 2);
    assert.deepEqual(Object.keys(report.pods[0] ?? {}), ['name', 'address', 'port', 'calls', 'share', 'expectedShare']);
    assert.deepEqual(
      report.pods.map((each) => each.calls),
      counts,
    );
  });
}
