import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { numberBetween, outputFormat, wholeNumber } from './suite-options.ts';

suite('options of suites', () => {
  const good: readonly (readonly [name: string, read: () => unknown, expected: unknown])[] = [
    ['-o table', () => outputFormat('table'), 'table'],
    ['-o json', () => outputFormat('json'), 'json'],
    ['the least whole number', () => wholeNumber('--rounds', '1', 9), 1],
    ['the most', () => wholeNumber('--rounds', '9', 9), 9],
    ['a fraction', () => numberBetween('--seconds', '0.5', 0.05, 600), 0.5],
  ];
  for (const [name, read, expected] of good) test(name, () => assert.equal(read(), expected));

  const bad: readonly (readonly [read: () => unknown, message: string])[] = [
    [() => outputFormat('yaml'), '-o yaml: must be table or json'],
    ...['0', '10', '1.5', '1e0', '-1', '', 'many'].map((text): readonly [() => unknown, string] => [
      () => wholeNumber('--rounds', text, 9),
      `--rounds ${text}: must be a whole number from 1 to 9`,
    ]),
    ...['0', '601', 'NaN', ''].map((text): readonly [() => unknown, string] => [
      () => numberBetween('--seconds', text, 1, 600),
      `--seconds ${text}: must be a number from 1 to 600`,
    ]),
  ];
  for (const [read, message] of bad) test(message, () => assert.throws(read, { message }));
});
