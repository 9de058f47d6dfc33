import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DnsRun, holdBars, renderReport, sumUp } from './report.ts';

const run = (server: DnsRun['server'], queriesPerSecond: number, p99Micros: number): DnsRun => ({
  server,
  records: 4,
  queriesPerSecond,
  cpuMicrosPerQuery: 5,
  lost: 1,
  p50Micros: 50,
  p99Micros,
});

test('medians of the runs, sums of what was lost', () => {
  const [row] = sumUp([run('steelyard', 10, 1), run('steelyard', 90, 3), run('steelyard', 20, 2)]);
  assert.deepEqual([row?.queriesPerSecond, row?.p99Micros, row?.lost, row?.runs], [20, 2, 3, 3]);
});

test('bars: one and a half times as many queries, p99 not worse', () => {
  const bars = holdBars(sumUp([run('steelyard', 160, 100), run('coredns', 100, 100)]));
  assert.deepEqual(
    bars.map(({ value, holds }) => [value, holds]),
    [
      [1.6, true],
      [1, true],
    ],
  );
  const missed = holdBars(sumUp([run('coredns', 100, 100), run('steelyard', 149, 120)]));
  assert.deepEqual(
    missed.map(({ holds }) => holds),
    [false, false],
  );
  assert.deepEqual(holdBars(sumUp([run('steelyard', 160, 100)])), []);
});

test('the table says what failed', () => {
  const rows = sumUp([run('steelyard', 149, 100), run('coredns', 100, 100)]);
  const text = renderReport({ versions: { node: '20' }, machine: 'm', rows, bars: holdBars(rows) });
  assert.match(text, /FAILS {2}4 records: queries a second, times CoreDNS's: 1\.49/);
});
