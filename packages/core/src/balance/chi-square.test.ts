import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { chiSquareTest } from './chi-square.ts';

/** Two categories' worth of counts whose statistic is exactly `chiSquare` cannot be made for every k, so build k + 1. */
function countsWithStatistic(chiSquare: number, degreesOfFreedom: number): { observed: number[]; shares: number[] } {
  // Expected 1000 each; move d from the second category to the first: statistic = 2 d² / 1000.
  const d = Math.sqrt((chiSquare * 1000) / 2);
  const observed = Array.from({ length: degreesOfFreedom + 1 }, () => 1000);
  observed[0] = 1000 + d;
  observed[1] = 1000 - d;
  return { observed, shares: observed.map(() => 1) };
}

suite('chiSquareTest', () => {
  // Critical values: NIST/SEMATECH e-Handbook §1.3.6.7.4, printed to three decimals.
  const table = [
    { degreesOfFreedom: 1, chiSquare: 3.841, p: 0.05 },
    { degreesOfFreedom: 1, chiSquare: 6.635, p: 0.01 },
    { degreesOfFreedom: 2, chiSquare: 5.991, p: 0.05 },
    { degreesOfFreedom: 2, chiSquare: 13.816, p: 0.001 },
    { degreesOfFreedom: 5, chiSquare: 11.07, p: 0.05 },
    { degreesOfFreedom: 6, chiSquare: 10.645, p: 0.1 },
    { degreesOfFreedom: 10, chiSquare: 18.307, p: 0.05 },
    { degreesOfFreedom: 20, chiSquare: 45.315, p: 0.001 },
    { degreesOfFreedom: 30, chiSquare: 43.773, p: 0.05 },
    { degreesOfFreedom: 100, chiSquare: 124.342, p: 0.05 },
    { degreesOfFreedom: 100, chiSquare: 149.449, p: 0.001 },
  ];
  for (const { degreesOfFreedom, chiSquare, p } of table) {
    test(`k = ${degreesOfFreedom}, statistic ${chiSquare} is the table's p = ${p}`, () => {
      const { observed, shares } = countsWithStatistic(chiSquare, degreesOfFreedom);
      const result = chiSquareTest(observed, shares);
      assert.equal(result.degreesOfFreedom, degreesOfFreedom);
      assert.ok(Math.abs(result.chiSquare - chiSquare) < 1e-9);
      assert.ok(Math.abs(result.pValue / p - 1) < 1e-3, `${result.pValue}`);
    });
  }

  test('two degrees of freedom have the closed form exp(-x/2), on both sides of the expansions', () => {
    for (const chiSquare of [1e-6, 0.1, 1, 2, 3.9, 4.1, 10, 100, 600]) {
      const { observed, shares } = countsWithStatistic(chiSquare, 2);
      const { pValue } = chiSquareTest(observed, shares);
      assert.ok(Math.abs(pValue / Math.exp(-chiSquare / 2) - 1) < 1e-9, `${chiSquare}: ${pValue}`);
    }
  });

  const cases: readonly {
    name: string;
    observed: number[];
    shares: number[];
    expected: { chiSquare: number; degreesOfFreedom: number; pValue: number };
  }[] = [
    {
      name: 'a perfect fit',
      observed: [10, 30],
      shares: [1, 3],
      expected: { chiSquare: 0, degreesOfFreedom: 1, pValue: 1 },
    },
    {
      name: 'one category leaves nothing to doubt',
      observed: [7],
      shares: [1],
      expected: { chiSquare: 0, degreesOfFreedom: 0, pValue: 1 },
    },
    {
      name: 'nothing observed',
      observed: [0, 0],
      shares: [0.5, 0.5],
      expected: { chiSquare: 0, degreesOfFreedom: 1, pValue: 1 },
    },
    {
      name: 'a share of 0 with no count adds no freedom',
      observed: [5, 0, 5],
      shares: [1, 0, 1],
      expected: { chiSquare: 0, degreesOfFreedom: 1, pValue: 1 },
    },
    {
      name: 'a count where the share is 0 refutes',
      observed: [5, 1],
      shares: [1, 0],
      expected: { chiSquare: Infinity, degreesOfFreedom: 0, pValue: 0 },
    },
  ];
  for (const { name, observed, shares, expected } of cases) {
    test(name, () => assert.deepEqual(chiSquareTest(observed, shares), expected));
  }

  test('all on one of three pods is beyond doubt', () => {
    assert.ok(chiSquareTest([300, 0, 0], [1, 1, 1]).pValue < 1e-100);
  });

  const refused: readonly { observed: number[]; shares: number[]; message: RegExp }[] = [
    { observed: [1], shares: [1, 1], message: /1 observed counts cannot fit 2 expected shares/ },
    { observed: [-1], shares: [1], message: /observed count 0 is -1/ },
    { observed: [1, 1], shares: [1, Number.NaN], message: /expected share 1 is NaN/ },
    { observed: [1], shares: [0], message: /sum to 0/ },
    { observed: [], shares: [], message: /sum to 0/ },
  ];
  for (const { observed, shares, message } of refused) {
    test(`refuses [${observed.join()}] against [${shares.join()}]`, () => {
      assert.throws(() => chiSquareTest(observed, shares), { name: 'RangeError', message });
    });
  }
});
