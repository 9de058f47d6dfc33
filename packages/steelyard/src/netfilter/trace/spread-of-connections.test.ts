import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createSeededRandom } from '@steelyard/core/balance';
import { connectionSpread, rolloutSpread } from './spread-of-connections.ts';

/** Every way to place the connections, with its probability. */
function byEnumeration(shares: readonly number[], connections: number): { idle: number; busiest: number } {
  let idle = 0;
  let busiest = 0;
  const place = (left: number, counts: readonly number[], probability: number): void => {
    if (left === 0) {
      idle += probability * counts.filter((count) => count === 0).length;
      busiest += (probability * Math.max(...counts)) / connections;
      return;
    }
    for (const [pod, share] of shares.entries())
      place(left - 1, counts.with(pod, (counts[pod] ?? 0) + 1), probability * share);
  };
  place(
    connections,
    shares.map(() => 0),
    1,
  );
  return { idle, busiest };
}

function assertClose(actual: number, expected: number, tolerance: number, where: string): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${where}: ${actual} instead of ${expected}`);
}

suite('connectionSpread', () => {
  const cases: readonly [readonly number[], number][] = [
    [[1], 5],
    [[0.5, 0.5], 1],
    [[1 / 3, 1 / 3, 1 / 3], 3],
    [[0.2, 0.3, 0.5], 6],
    [[0.7, 0.1, 0.1, 0.1], 5],
  ];
  for (const [shares, connections] of cases) {
    test(`${connections} connections over ${shares.map((share) => share.toFixed(2)).join(' ')}: as all ways counted out`, () => {
      const { idlePods, busiestShare } = connectionSpread(shares, connections);
      const { idle, busiest } = byEnumeration(shares, connections);
      assertClose(idlePods, idle, 1e-9, 'idle');
      assertClose(busiestShare, busiest, 1e-9, 'busiest');
    });
  }

  test('as many connections as pods leave more than a third of them idle', () => {
    const { idlePods } = connectionSpread(
      Array.from({ length: 50 }, () => 0.02),
      50,
    );
    assertClose(idlePods / 50, 0.98 ** 50, 1e-12, 'idle');
  });

  test('the approximation for many agrees with drawing', () => {
    const pods = 300;
    const connections = 3000;
    const random = createSeededRandom(7);
    let sum = 0;
    for (let round = 0; round < 40; round++) {
      const counts = Array.from({ length: pods }, () => 0);
      for (let each = 0; each < connections; each++) {
        const pod = Math.floor(random() * pods);
        counts[pod] = (counts[pod] ?? 0) + 1;
      }
      sum += Math.max(...counts) / connections;
    }
    const { busiestShare } = connectionSpread(
      Array.from({ length: pods }, () => 1 / pods),
      connections,
    );
    assertClose(busiestShare / (sum / 40), 1, 0.05, 'busiest');
  });
});

suite('rolloutSpread', () => {
  test('two pods: the first new one has five eighths', () => {
    // It takes half of what the first old pod leaves (1/4), then half of the 3/4 that the second leaves.
    const { first, last } = rolloutSpread(2);
    assertClose(first, 0.25 + 0.375, 1e-12, 'first');
    assertClose(last, 0.375, 1e-12, 'last');
  });
});
