import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Histogram, mergeHistograms } from './histogram.ts';

function histogramOf(bounds: readonly number[], ...values: readonly number[]): Histogram {
  const histogram = new Histogram(bounds);
  for (const value of values) histogram.record(value);
  return histogram;
}

suite('Histogram', () => {
  test('counts what is at most each bound, and all', () => {
    assert.deepEqual(histogramOf([1, 2, 4], 0, 1, 1.5, 4, 5, 100).report(), {
      buckets: [
        { bound: 1, count: 2 },
        { bound: 2, count: 3 },
        { bound: 4, count: 4 },
      ],
      count: 6,
      sum: 111.5,
    });
  });

  test('a report is of its moment', () => {
    const histogram = histogramOf([1], 0.5);
    const before = histogram.report();
    histogram.record(0.5);
    assert.equal(before.count, 1);
    assert.equal(histogram.report().count, 2);
  });
});

suite('mergeHistograms', () => {
  test('is the histogram of all values, also after a copy between processes', () => {
    const bounds = [0.5, 1, 2];
    const parts = [[0.25, 3], [], [1, 2, 0.75]];
    assert.deepEqual(
      mergeHistograms(parts.map((values) => structuredClone(histogramOf(bounds, ...values).report()))),
      histogramOf(bounds, ...parts.flat()).report(),
    );
  });

  test('of none there is nothing to say', () => {
    assert.deepEqual(mergeHistograms([]), { buckets: [], count: 0, sum: 0 });
  });
});
