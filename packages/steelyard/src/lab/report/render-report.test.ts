import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LabReport } from './lab-report.ts';
import { isAsExpected } from './lab-report.ts';
import { renderBar } from './render-bar.ts';
import { renderMs, renderPercent, renderPValue } from './render-numbers.ts';
import { PLAIN_PAINT, renderLabReport } from './render-report.ts';

const bars: readonly [number, number, string][] = [
  [0, 0, '········'],
  [1, 0.5, '████████'],
  [0.5, 0.5, '████····'],
  [0.25, 0.5, '██·│····'],
  [0.53, 0.5, '████▎···'],
  [0.01, 0.5, '▏··│····'],
  [0, 1, '·······│'],
  [2, -1, '████████'],
];

for (const [share, expected, bar] of bars) {
  test(`the bar of ${share} where ${expected} is expected`, () => {
    assert.equal(renderBar(share, expected, 8), bar);
  });
}

const numbers: readonly [string, string][] = [
  [renderPercent(1 / 3), '33.3 %'],
  [renderPercent(0), '0.0 %'],
  [renderPercent(0.0001), '<0.1 %'],
  [renderPercent(0.9999), '>99.9 %'],
  [renderPercent(1), '100.0 %'],
  [renderPValue(0), 'p < 1e-15'],
  [renderPValue(0.000_12), 'p = 1.2e-4'],
  [renderPValue(0.5), 'p = 0.500'],
  [renderMs(0), '0 ms'],
  [renderMs(0.8421), '0.84 ms'],
  [renderMs(12.34), '12.3 ms'],
  [renderMs(999.4), '999 ms'],
  [renderMs(1234), '1.23 s'],
];

for (const [text, expected] of numbers) {
  test(`number ${expected}`, () => assert.equal(text, expected));
}

const report: LabReport = {
  service: 'default/backend',
  clusterIp: '10.97.211.12:8000',
  seed: 7,
  ways: [
    {
      way: 'proxy',
      calls: 1000,
      errors: 0,
      pods: [
        { name: 'long-name', address: '10.0.0.1', port: 8000, calls: 750, share: 0.75, expectedShare: 0.5 },
        { name: 'b', address: 'fd00::2', port: 8000, calls: 250, share: 0.25, expectedShare: 0.5 },
      ],
      chiSquare: 250,
      pValue: 0,
      verdict: 'The verdict.',
      outcome: 'off',
      asExpected: false,
      balancedBy: 'x',
      how: 'the proxy picks a pod for every call',
      latency: { medianMs: 1.5, p99Ms: 20 },
      callsPerSecond: 1,
      failures: [],
    },
  ],
  skipped: [{ way: 'headless', reason: 'no headless Service has these pods' }],
};

test('the whole report, as it is read', () => {
  assert.equal(
    renderLabReport(report, PLAIN_PAINT),
    `Service default/backend at 10.97.211.12:8000, 2 pods, one gRPC channel a way, seed 7

proxy  the proxy picks a pod for every call
  long-name  10.0.0.1:8000   ██████████████████······   75.0 %  750 calls  expected 50.0 %
  b          [fd00::2]:8000  ██████·····│············   25.0 %  250 calls  expected 50.0 %
  1000 calls · 0 errors · chi-square 250.00, p < 1e-15 · median 1.50 ms · p99 20.0 ms
  The verdict.

headless  not measured: no headless Service has these pods
`,
  );
});

test('a narrow terminal gets shorter bars, then no addresses, and no line that is too wide', () => {
  const rows = (columns: number): string[] =>
    renderLabReport(report, PLAIN_PAINT, columns)
      .split('\n')
      .filter((line) => line.includes('expected'));
  assert.deepEqual(rows(120), rows(Infinity));
  assert.match(rows(80)[0] ?? '', /^ {2}long-name {2}10\.0\.0\.1:8000 {3}[^ ]{13} /);
  assert.match(rows(72)[0] ?? '', /^ {2}long-name {2}[^ ]{21} /);
  for (const columns of [80, 72, 66]) {
    const wide = renderLabReport(report, PLAIN_PAINT, columns)
      .split('\n')
      .filter((line) => line.length > columns);
    assert.deepEqual(wide, [], `${columns} columns`);
  }
});

test('a way that is off makes the answer "no"', () => {
  assert.equal(isAsExpected(report), false);
  assert.equal(isAsExpected({ ...report, ways: [] }), true);
});

test('paint marks the verdict as good or bad', () => {
  const paint = { ...PLAIN_PAINT, good: (text: string) => `<good>${text}`, bad: (text: string) => `<bad>${text}` };
  assert.match(renderLabReport(report, paint), /<bad>The verdict/);
  const good = { ...report, ways: report.ways.map((way) => ({ ...way, asExpected: true })) };
  assert.match(renderLabReport(good, paint), /<good>The verdict/);
});
