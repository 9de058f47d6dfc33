import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { groupBy, median, quantile, round, spreadOf } from './statistics.ts';

suite('median', () => {
  const cases: readonly (readonly [values: readonly number[], expected: number])[] = [
    [[3, 1, 2], 2],
    [[4, 1, 2, 3], 2.5],
    [[10, 9, 100], 10],
    [[-1], -1],
    [[], NaN],
  ];
  for (const [values, expected] of cases) {
    test(`of ${values.join(', ') || 'none'} is ${expected}`, () => assert.equal(median(values), expected));
  }
});

suite('quantile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  const cases: readonly (readonly [values: readonly number[], part: number, expected: number])[] = [
    [hundred, 0, 1],
    [hundred, 0.5, 50],
    [hundred, 0.99, 99],
    [hundred, 1, 100],
    [[5, 1, 4, 2, 3], 0.5, 3],
    [[5, 1, 4, 2, 3], 0.99, 5],
    [[10, 9], 0.5, 9],
    [[], 0.5, NaN],
  ];
  for (const [values, part, expected] of cases) {
    test(`${part} of ${values.length} values is ${expected}`, () => assert.equal(quantile(values, part), expected));
  }

  test('is the least value that so much of them does not exceed', () => {
    const values = fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(values, fc.integer({ min: 0, max: 100 }), (all, percent) => {
        const found = quantile(all, percent / 100);
        const covered = (value: number): boolean =>
          all.filter((one) => one <= value).length * 100 >= all.length * percent;
        assert.ok(all.includes(found));
        assert.ok(covered(found));
        assert.ok(!all.some((smaller) => smaller < found && covered(smaller) && percent > 0));
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  test('leaves its values as they are', () => {
    const values = [3, 1, 2];
    quantile(values, 0.5);
    median(values);
    assert.deepEqual(values, [3, 1, 2]);
  });
});

test('spreadOf is rounded', () => {
  assert.deepEqual(spreadOf([1.00049, 2, 0.12345]), { median: 1, least: 0.123, most: 2 });
  assert.equal(round(2.345, 1), 2.3);
});

test('groupBy keeps the order of keys and items', () => {
  const groups = groupBy(['b1', 'a1', 'b2'], (item) => item.slice(0, 1));
  assert.deepEqual(
    [...groups],
    [
      ['b', ['b1', 'b2']],
      ['a', ['a1']],
    ],
  );
});
