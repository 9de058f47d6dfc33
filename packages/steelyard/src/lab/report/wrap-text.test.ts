import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrapText } from './wrap-text.ts';

const cases: readonly [string, number, readonly string[]][] = [
  ['', 10, ['']],
  ['one two three', 7, ['one two', 'three']],
  ['one two three', 8, ['one two', 'three']],
  ['one two three', 13, ['one two three']],
  ['a extraordinarily b', 5, ['a', 'extraordinarily', 'b']],
];

for (const [text, width, lines] of cases) {
  test(`"${text}" in ${width} columns`, () => assert.deepEqual(wrapText(text, width), lines));
}
