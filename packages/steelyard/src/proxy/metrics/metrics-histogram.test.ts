import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { bucketOf, bucketStart, countOf, LatencyHistogram, octaveCounts, quantileUs } from './metrics-histogram.ts';

const anyUs = fc.oneof(fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.integer({ min: 0, max: 5000 }));

function histogramOf(values: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

describe('log-linear histogram', () => {
  test('a bucket holds its value and is at most a sixteenth of it wide', () => {
    fc.assert(
      fc.property(anyUs, (us) => {
        const bucket = bucketOf(us);
        assert.ok(bucketStart(bucket) <= us && us < bucketStart(bucket + 1));
        assert.ok(bucketStart(bucket + 1) - bucketStart(bucket) <= Math.max(1, us / 16));
      }),
      { seed: 1 },
    );
  });

  test('a quantile is at least the true one, and at most a sixteenth above', () => {
    fc.assert(
      fc.property(
        fc.array(anyUs, { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, q) => {
          const sorted = values.toSorted((a, b) => a - b);
          const exact = sorted[Math.max(1, Math.ceil(values.length * q)) - 1] ?? 0;
          const got = quantileUs(histogramOf(values), q) ?? -1;
          assert.ok(got > exact && got <= exact + Math.max(1, exact / 16), `${got} for ${exact}`);
        },
      ),
      { seed: 2 },
    );
  });

  test('the octaves for Prometheus count exactly what is below them', () => {
    fc.assert(
      fc.property(fc.array(anyUs, { maxLength: 100 }), (values) => {
        for (const { beforeUs, count } of octaveCounts(histogramOf(values))) {
          assert.equal(count, values.filter((value) => value < beforeUs).length);
        }
      }),
      { seed: 3 },
    );
  });

  test('sums add up, fractions and excesses are no trouble', () => {
    const one = histogramOf([0.4, 15.9, 1e12, -3]);
    const both = histogramOf([7]);
    both.add(one);
    assert.equal(countOf(both), 5);
    assert.equal(both.counts[15], 1);
    assert.equal(both.counts[0], 2);
    assert.equal(both.sumUs, 7 + 0.4 + 15.9 + 1e12 - 3);
    assert.equal(quantileUs(new LatencyHistogram(), 0.5), undefined);
  });
});
