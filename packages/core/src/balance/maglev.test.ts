import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { hashText, mixHash } from './hash.ts';
import { createMaglevPicker } from './maglev.ts';
import type { Balanced, Picker } from './picker.ts';

interface Pod extends Balanced {
  readonly key: string;
}

const podOf = (index: number): Pod => ({ key: `10.0.${index >> 8}.${index & 255}:80`, activeRequests: 0 });
const podsOf = (count: number): readonly Pod[] => Array.from({ length: count }, (_, index) => podOf(index));

function tableOf(picker: Picker<Pod>, size: number): readonly (string | undefined)[] {
  return Array.from({ length: size }, (_, place) => picker.pick(place)?.key);
}

/** The paper's figure, word for word: every row written out, and the rows walked through in turns. */
function tableByThePaper(pods: readonly Pod[], size: number): readonly (string | undefined)[] {
  const rows = pods
    .map(({ key }) => ({ key, own: hashText(key) }))
    .toSorted((a, b) => a.own - b.own)
    .map(({ key, own }) => {
      const offset = mixHash(own ^ 0x5bd1e995) % size;
      const skip = (mixHash(own ^ 0x1b873593) % (size - 1)) + 1;
      return { key, wishes: Array.from({ length: size }, (_, n) => (offset + n * skip) % size) };
    });
  const table: (string | undefined)[] = Array.from({ length: size }, () => undefined);
  while (rows.length > 0 && table.includes(undefined)) {
    for (const { key, wishes } of rows) {
      const place = wishes.find((wish) => table[wish] === undefined);
      if (place !== undefined) table[place] = key;
    }
  }
  return table;
}

const size = fc.constantFrom(2, 3, 13, 251);

test('the table is that of the paper', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 40 }), size, (count, tableSize) => {
      const pods = podsOf(count);
      const table = tableOf(
        createMaglevPicker(pods, tableSize, () => 0),
        tableSize,
      );
      assert.deepEqual(table, tableByThePaper(pods, tableSize));
    }),
    { seed: 5, numRuns: 100 },
  );
});

test('a picker that starts from the one before has the very table of one from nothing', () => {
  const edit = fc.record({ at: fc.nat(), remove: fc.nat({ max: 4 }), add: fc.nat({ max: 4 }) });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 90 }), size, fc.array(edit, { maxLength: 6 }), (count, tableSize, edits) => {
      let pods = podsOf(count);
      let fresh = 1000;
      let picker = createMaglevPicker(pods, tableSize, () => 0);
      for (const { at, remove, add } of edits) {
        const place = pods.length === 0 ? 0 : at % pods.length;
        pods = pods.toSpliced(place, remove, ...Array.from({ length: add }, () => podOf(fresh++)));
        const before = tableOf(picker, tableSize);
        const next = createMaglevPicker(pods, tableSize, () => 0, picker);
        const anew = createMaglevPicker(pods, tableSize, () => 0);
        assert.deepEqual(tableOf(next, tableSize), tableOf(anew, tableSize));
        assert.deepEqual(tableOf(picker, tableSize), before, 'the one before stays what it is');
        picker = next;
      }
    }),
    { seed: 3, numRuns: 100 },
  );
});
