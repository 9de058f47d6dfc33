import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cellsOf, ratiosOf, type Measurement, type Sample } from './cells.ts';

const measurement = (cpuMicrosPerCall: number): Measurement => ({
  from: 0,
  to: 1000,
  cpuMicrosPerCall,
  callsPerSecond: 1000,
  busy: 0.9,
  systemShare: 0.4,
  p50Ms: 1,
  p99Ms: null,
  leastShare: 1,
});
const sample = (
  round: number,
  subject: Sample['subject'],
  outcome: number | string,
  shape = '1x100',
  upstreams = 1,
): Sample => ({
  round,
  subject,
  shape,
  upstreams,
  outcome: typeof outcome === 'string' ? { void: outcome } : measurement(outcome),
});

describe('the figures of a run', () => {
  const samples = [
    sample(1, 'steelyard', 2),
    sample(1, 'nghttpx', 4),
    // The machine slows down: both take thrice as long, the ratio stays.
    sample(2, 'steelyard', 6),
    sample(2, 'nghttpx', 12),
    sample(3, 'steelyard', 3),
    sample(3, 'nghttpx', 5),
    sample(1, 'nginx', 9, '1x1'),
    sample(1, 'steelyard', 8, '1x100', 8),
  ];

  it('are medians over the rounds, with the least and the most', () => {
    const figures = cellsOf(samples).map(({ shape, upstreams, subject, figure }) => [
      `${shape}/${upstreams} ${subject}`,
      figure?.cpuMicrosPerCall,
    ]);
    assert.deepEqual(figures, [
      ['1x100/1 steelyard', { median: 3, least: 2, most: 6 }],
      ['1x100/1 nghttpx', { median: 5, least: 4, most: 12 }],
      ['1x1/1 nginx', { median: 9, least: 9, most: 9 }],
      ['1x100/8 steelyard', { median: 8, least: 8, most: 8 }],
    ]);
  });

  it('have no time where none was taken', () => {
    const [cell] = cellsOf(samples);
    assert.equal(cell?.figure?.p50Ms, 1);
    assert.equal(cell?.figure?.p99Ms, null);
  });

  it('are ratios within a round', () => {
    assert.deepEqual(ratiosOf(samples, cellsOf(samples)), [
      { shape: '1x100', upstreams: 1, peer: 'nghttpx', ratio: { median: 0.5, least: 0.5, most: 0.6 } },
    ]);
  });

  for (const broken of ['steelyard', 'nghttpx'] as const) {
    it(`are void for ${broken} when one of its rounds is`, () => {
      const some = [...samples, sample(4, broken, '1 failed'), sample(4, 'haproxy', 3)];
      const cells = cellsOf(some);
      const cell = cells.find(({ subject, upstreams }) => subject === broken && upstreams === 1);
      assert.deepEqual([cell?.void, cell?.figure], ['1 failed', null]);
      assert.deepEqual(ratiosOf(some, cells), []);
    });
  }
});
