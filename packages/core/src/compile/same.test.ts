import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { isSame } from './same.ts';

const DIFFERENT: readonly [unknown, unknown][] = [
  [1, '1'],
  [null, undefined],
  [{}, []],
  [{}, null],
  [[1], [1, 2]],
  [{ a: 1 }, { a: 1, b: 2 }],
  [{ a: 1, b: 2 }, { a: 1 }],
  [{ a: undefined }, { b: undefined }],
  [{ a: { b: [1] } }, { a: { b: [2] } }],
  [new Map([[80, 'a']]), new Map([[80, 'b']])],
  [new Map([[80, 'a']]), new Map([[81, 'a']])],
  [new Map([[80, 'a']]), new Map()],
  [new Map(), {}],
  [{}, new Map()],
  [new Set([1]), new Set([2])],
  [new Set([1]), new Set([1, 2])],
  [new Set(), new Map()],
  [[], new Set()],
];

test('what differs anywhere is not the same', () => {
  for (const [a, b] of DIFFERENT) assert.equal(isSame(a, b), false, JSON.stringify([a, b]));
});

test('a copy is the same, whatever the order of its fields', () => {
  const shared = { ports: new Map([[80, { kind: 'RANDOM' }]]), names: new Set(['a', 'b']) };
  assert.equal(isSame(shared, structuredClone(shared)), true);
  assert.equal(isSame({ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 }), true);
  fc.assert(fc.property(fc.jsonValue(), (value) => assert.equal(isSame(value, structuredClone(value)), true)));
});
