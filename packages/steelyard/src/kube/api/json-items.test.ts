import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { JsonItems } from './json-items.ts';
import { JsonLines } from './json-lines.ts';

/** The pieces of a text, torn at these places, in the middle of characters too. */
function torn(text: string, places: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text);
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
}

const tears = fc.array(fc.nat(5000), { maxLength: 12 });
const items = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 6 });

test('a list torn anywhere gives its items, whatever is in them, and the rest', () => {
  fc.assert(
    fc.property(items, tears, fc.boolean(), fc.constantFrom(undefined, 2), (values, places, itemsFirst, indent) => {
      const head = { metadata: { resourceVersion: '5', continue: 'a"[{' } };
      const list = itemsFirst ? { items: values, ...head } : { kind: 'XList', ...head, items: values };
      const reader = new JsonItems();
      const found = torn(JSON.stringify(list, undefined, indent), places).flatMap((chunk) => reader.push(chunk));
      assert.deepEqual(found, JSON.parse(JSON.stringify(values)));
      assert.deepEqual(reader.finish(), { ...list, items: [] });
    }),
    { seed: 7, numRuns: 500 },
  );
});

test('a list that is cut off is noticed', () => {
  const text = JSON.stringify({ metadata: { resourceVersion: '5' }, items: [{ a: 1 }, { b: [1, { c: '}]' }] }] });
  for (let end = 0; end < text.length; end++) {
    const reader = new JsonItems();
    assert.throws(() => {
      reader.push(Buffer.from(text.slice(0, end)));
      reader.finish();
    }, SyntaxError);
  }
});

test('a list without items, and items that are null', () => {
  for (const text of ['{"metadata":{}}', '{"items":null,"metadata":{}}', '{"items":[],"metadata":{}}']) {
    const reader = new JsonItems();
    assert.deepEqual(reader.push(Buffer.from(text)), []);
    assert.deepEqual(reader.finish(), JSON.parse(text));
  }
});

test('lines torn anywhere give their values', () => {
  fc.assert(
    fc.property(items, tears, (values, places) => {
      const text = values.map((value) => `${JSON.stringify(value)}\n`).join('\n');
      const reader = new JsonLines();
      const found = torn(text, places).flatMap((chunk) => reader.push(chunk));
      assert.deepEqual(found, JSON.parse(JSON.stringify(values)));
    }),
    { seed: 8, numRuns: 300 },
  );
});
