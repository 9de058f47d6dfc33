import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { IdTable } from './id-table.ts';

test('an IdTable is a Map by id', () => {
  const id = fc.integer({ min: 0, max: 300 }).map((n) => n * 2 + 1);
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.boolean(),
          fc.oneof(
            id,
            id.map((n) => n + 4096),
          ),
        ),
        { maxLength: 400 },
      ),
      (steps) => {
        const table = new IdTable<{ readonly id: number }>();
        const model = new Map<number, { readonly id: number }>();
        for (const [add, key] of steps) {
          if (add && !model.has(key)) {
            const item = { id: key };
            table.add(item);
            model.set(key, item);
          } else if (!add) {
            table.delete(key);
            model.delete(key);
          }
          assert.equal(table.size, model.size);
          assert.equal(table.get(key), model.get(key));
        }
        assert.deepEqual(
          table.all(),
          [...model.values()].toSorted((a, b) => a.id - b.id),
        );
        for (const [key, item] of model) assert.equal(table.get(key), item);
      },
    ),
  );
});
