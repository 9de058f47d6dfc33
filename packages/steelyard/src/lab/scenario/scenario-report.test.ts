import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pod } from '../lab.test-bed.ts';
import type { CallBucket } from '../processes/messages.ts';
import { PLAIN_PAINT } from '../report/render-report.ts';
import { renderScenarioReport } from './render-scenario.ts';
import type { CallerRecord } from './scenario-report.ts';
import { reportCaller } from './scenario-report.ts';

const OLD = pod('10.0.0.1', 8000, { podName: 'old' });
const NEW = pod('10.0.0.2', 8000, { podName: 'new-1' });

/** Four seconds; the new pod comes after one. `first`: when it has its first call, `null` for never. */
function record(changes: Partial<CallerRecord> = {}, first: number | null = 1800): CallerRecord {
  const buckets = [0, 1000, 2000, 3000].map((startMs): CallBucket => {
    const calls: [string, number][] = [['10.0.0.1:8000', 50]];
    if (first !== null && startMs + 1000 > first) calls.push(['10.0.0.2:8000', 50]);
    return { startMs, callsByPod: new Map(calls), callsByFailure: new Map() };
  });
  return {
    caller: 'steelyard',
    policy: 'RANDOM',
    buckets,
    firstAnswerMs: new Map([['10.0.0.1:8000', 0], ...(first === null ? [] : [['10.0.0.2:8000', first] as const])]),
    startedMs: 0,
    endedMs: 4003,
    old: [OLD],
    fresh: [NEW],
    addedMs: new Map([['10.0.0.2:8000', 1000]]),
    removed: new Set(),
    ttlMs: 2000,
    ...changes,
  };
}

test('a new pod in time, no error, equal shares at the end: as promised', () => {
  const report = reportCaller(record());
  assert.equal(report.asExpected, true);
  assert.equal(report.calls, 350);
  assert.deepEqual(
    report.pods.map(({ name, callsPerSecond, firstCallAfterMs }) => [name, callsPerSecond, firstCallAfterMs]),
    [
      ['old', [50, 50, 50, 50], undefined],
      ['new-1', [0, 50, 50, 50], 800],
    ],
  );
  assert.match(report.verdict, /first call within 800 ms .* None of 350 calls failed\. .* equal shares/);
});

test('a pod that went has no share at the end', () => {
  const late = record().buckets.map((bucket) =>
    bucket.startMs < 2000 ? bucket : { ...bucket, callsByPod: new Map([['10.0.0.2:8000', 90]]) },
  );
  assert.equal(reportCaller(record({ buckets: late, removed: new Set(['10.0.0.1:8000']) })).asExpected, true);
  assert.equal(reportCaller(record({ buckets: late })).asExpected, false, 'the control: it should have had one');
});

const broken: readonly { name: string; changes: Partial<CallerRecord>; first?: number; verdict: RegExp }[] = [
  { name: 'never', changes: { firstAnswerMs: new Map() }, verdict: /1 of 1 new pods never got a call\./ },
  {
    name: 'late',
    changes: { firstAnswerMs: new Map([['10.0.0.2:8000', 4001]]) },
    verdict: /within 3\.00 s of being named, later than 3\.00 s/,
  },
  {
    name: 'errors',
    changes: {
      buckets: [
        ...record().buckets,
        { startMs: 1500, callsByPod: new Map(), callsByFailure: new Map([['UNAVAILABLE: gone', 2]]) },
      ],
    },
    verdict: /2 of 352 calls failed, most often with UNAVAILABLE: gone/,
  },
];
for (const { name, changes, verdict } of broken) {
  test(`${name}: not as promised by the library, whatever grpc-js does`, () => {
    const ours = reportCaller(record(changes));
    assert.equal(ours.asExpected, false);
    assert.match(ours.verdict, verdict);
    assert.equal(reportCaller(record({ ...changes, caller: 'grpc-js' })).asExpected, true);
  });
}

test('for a reader', () => {
  const plain = { caller: 'grpc-js', policy: 'round_robin' } as const;
  const never = record(plain, null);
  const steps = [{ atMs: 1000, added: ['new-1'], removed: [] }];
  const about = { scenario: 'scale-up', way: 'headless', service: 'shop/backendh', ttlSeconds: 2 } as const;
  const callers = [reportCaller(record()), reportCaller(never)];
  const text = renderScenarioReport({ ...about, callsPerSecond: 100, seed: 1, steps, callers }, PLAIN_PAINT);
  const lines = text.split('\n');
  assert.deepEqual(lines.slice(0, 9), [
    'Scenario scale-up on shop/backendh, TTL 2 s, 100 calls a second from each caller, seed 1',
    '  after 1.00 s: new-1 ready',
    '',
    "@steelyard/grpc-js, headless:  RANDOM; each second's calls in percent",
    '  second          1   2   3   4',
    '  old           100  50  50  50',
    '  new-1           ·  50  50  50  first call after 800 ms',
    '  failed calls    ·   ·   ·   ·',
    '  Every new pod got its first call within 800 ms of being named. None of 350 calls failed. In the',
  ]);
  assert.ok(lines.includes('  new-1           ·   ·   ·   ·  never a call'));
  assert.match(text, /never got a call: grpc-js looks a name up again only after it has lost a/);
  const narrow = renderScenarioReport({ ...about, callsPerSecond: 100, seed: 1, steps, callers }, PLAIN_PAINT, 70);
  assert.deepEqual(
    narrow.split('\n').filter((line) => line.length > 70),
    [],
  );
});
