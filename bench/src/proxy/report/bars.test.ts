import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { barsOf, ratioLimit } from './bars.ts';
import type { LatencyRow, MemoryRow, OpenLoopReport, Ratio } from './report.ts';

const ratio = (shape: string, upstreams: number, median: number): Ratio => ({
  shape,
  upstreams,
  peer: 'nghttpx',
  ratio: { median, least: median, most: median },
});
const latency = (subject: LatencyRow['subject'], p99Ms: number): LatencyRow => {
  const quantiles = { p50Ms: 0.1, p99Ms, p999Ms: 9 };
  return { subject, void: null, latency: quantiles, added: subject === 'direct' ? null : quantiles };
};
const openLoop = (ours: number, shareInLongPauses: number): OpenLoopReport => ({
  callsPerSecond: 50_000,
  halfOf: 'nghttpx',
  connections: 10,
  rows: [latency('direct', 1), latency('steelyard', ours), latency('nghttpx', 0.8)],
  gc: { pauses: 1, seconds: 1, mostMs: 6, totalMs: 6, shareInLongPauses },
});
const memory = (connections: number, kibPerConnection: number, busyMib: number): MemoryRow[] => [
  { subject: 'nghttpx', void: null, connections, kibPerConnection: 99, busyMib: 999 },
  { subject: 'steelyard', void: null, connections, kibPerConnection, busyMib },
];

describe('the bars', () => {
  const cases: readonly (readonly [name: string, bars: ReturnType<typeof barsOf>, met: readonly boolean[]])[] = [
    ['a ratio at its limit', barsOf([ratio('1x100', 1, 0.6)], null, []), [true]],
    ['a ratio above it', barsOf([ratio('1x100', 1, 0.61)], null, []), [false]],
    ['no bar with 8 upstreams', barsOf([ratio('1x100', 8, 9)], null, []), []],
    ['no bar for other shapes', barsOf([ratio('3x7', 1, 9)], null, []), []],
    ['latency and pauses', barsOf([], openLoop(0.8, 0.001), []), [true, true]],
    ['latency above the peer, long pauses', barsOf([], openLoop(0.81, 0.0011), []), [false, false]],
    ['memory', barsOf([], null, memory(10_000, 12, 300)), [true, true]],
    ['too much memory', barsOf([], null, memory(10_000, 12.1, 301)), [false, false]],
    ['too few connections to tell', barsOf([], null, memory(9000, 12, 100)), [true, false]],
  ];
  for (const [name, bars, met] of cases) {
    it(`of ${name}`, () => {
      assert.deepEqual(
        bars.map((bar) => bar.met),
        met,
      );
    });
  }

  it('are those of the issue', () => {
    assert.equal(ratioLimit('stream', 1, 'envoy'), 0.5);
    assert.equal(ratioLimit('1x1', 1, 'haproxy'), 1.1);
    assert.equal(ratioLimit('1x100', 1, 'nginx'), undefined);
  });
});
