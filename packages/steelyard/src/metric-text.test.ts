import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { joinSamples, type MetricFamily, only, renderHistogram, renderNumbers } from './metric-text.ts';

const calls: MetricFamily = { name: 'calls_total', type: 'counter', help: 'Calls.', labels: ['method', 'to'] };
const ready: MetricFamily = { name: 'ready', type: 'gauge', help: 'Ready.', labels: [] };
const seconds: MetricFamily = { name: 'call_seconds', type: 'histogram', help: 'Times.', labels: ['to'] };

suite("Prometheus' text format", () => {
  test('a series a line, under its family', () => {
    const samples = [
      { labels: ['Get', 'a'], value: 3 },
      { labels: ['Put', 'b'], value: 0.5 },
    ];
    assert.equal(
      renderNumbers(calls, samples),
      [
        '# HELP calls_total Calls.',
        '# TYPE calls_total counter',
        'calls_total{method="Get",to="a"} 3',
        'calls_total{method="Put",to="b"} 0.5',
        '',
      ].join('\n'),
    );
    assert.equal(renderNumbers(ready, only(1)), '# HELP ready Ready.\n# TYPE ready gauge\nready 1\n');
  });

  test('a histogram ends in what has no bound', () => {
    const value = { buckets: [{ bound: 0.25, count: 1 }], count: 3, sum: 2.5 };
    assert.equal(
      renderHistogram(seconds, [{ labels: ['a'], value }]),
      [
        '# HELP call_seconds Times.',
        '# TYPE call_seconds histogram',
        'call_seconds_bucket{to="a",le="0.25"} 1',
        'call_seconds_bucket{to="a",le="+Inf"} 3',
        'call_seconds_sum{to="a"} 2.5',
        'call_seconds_count{to="a"} 3',
        '',
      ].join('\n'),
    );
  });

  test('a family without samples is left out', () => {
    assert.equal(renderNumbers(calls, []), '');
    assert.equal(renderHistogram(seconds, []), '');
  });

  test('what would end a label early is escaped', () => {
    const [line] = renderNumbers(calls, [{ labels: ['a"b\\c\nd', '{,=}'], value: 1 }])
      .split('\n')
      .slice(2);
    assert.equal(line, String.raw`calls_total{method="a\"b\\c\nd",to="{,=}"} 1`);
  });
});

suite('joinSamples', () => {
  test('samples of the same labels become one, in the order of the first', () => {
    const sum = (values: readonly number[]): number => values.reduce((before, value) => before + value, 0);
    const sample = (value: number, ...labels: readonly string[]) => ({ labels, value });
    assert.deepEqual(joinSamples([sample(1, 'a,', 'b'), sample(2, 'a', ',b'), sample(4, 'a,', 'b')], sum), [
      sample(5, 'a,', 'b'),
      sample(2, 'a', ',b'),
    ]);
  });
});
