import assert from 'node:assert/strict';
import { it } from 'node:test';
import { LatencyHistogram } from './latency-histogram.ts';

it('gives quantiles within 3.5 % above', () => {
  const histogram = new LatencyHistogram();
  assert.ok(Number.isNaN(histogram.quantile(0.5)));
  for (let ms = 1; ms <= 1000; ms++) histogram.record(ms);
  for (const [q, exact] of [
    [0.5, 500],
    [0.99, 990],
    [1, 1000],
  ] as const) {
    const ratio = histogram.quantile(q) / exact;
    assert.ok(ratio >= 0.999 && ratio <= 1.036, `${q}: ${ratio}`);
  }
  histogram.record(0);
  histogram.record(1e9);
  assert.equal(histogram.quantile(0), 0.001);
  histogram.clear();
  assert.ok(Number.isNaN(histogram.quantile(0.5)));
});
