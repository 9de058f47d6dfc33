import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsOf, indentText, wrapText } from './wrap-text.ts';

const cases: readonly [string, number, readonly string[]][] = [
  ['', 10, ['']],
  ['one two three', 7, ['one two', 'three']],
  ['one two three', 8, ['one two', 'three']],
  ['one two three', 13, ['one two three']],
  ['a extraordinarily b', 5, ['a', 'extraordinarily', 'b']],
  ['a 19.75 % b', 6, ['a', '19.75 %', 'b']],
  ['每个新连接', 4, ['每个', '新连', '接']],
  ['连接，调用。', 4, ['连', '接，', '调', '用。']],
  ['由 gRPC 调用', 7, ['由 gRPC', '调用']],
  ['（按）连接', 6, ['（按）', '连接']],
];

for (const [text, width, lines] of cases) {
  test(`"${text}" in ${width} columns`, () => assert.deepEqual(wrapText(text, width), lines));
}

test('an indent is of the width', () => {
  assert.deepEqual(indentText('one two three', 11, '  - ', '    '), ['  - one two', '    three']);
  assert.deepEqual(indentText('one two three', 14, 'first  ', '  '), ['first  one two', '  three']);
  assert.deepEqual(indentText('one two', 6, '  '), ['  one', '  two']);
});

test('a Chinese character takes two columns', () => {
  assert.equal(columnsOf('Pod 之一：'), 10);
});
