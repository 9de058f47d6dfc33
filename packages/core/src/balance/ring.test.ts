import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { createRing } from './ring.ts';

const keyOf = (index: number): string => `10.0.${index >> 8}.${index & 255}:80`;

test('a ring that was updated is the one that is laid from nothing', () => {
  const edit = fc.record({ at: fc.nat(), remove: fc.nat({ max: 4 }), add: fc.nat({ max: 4 }) });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200 }), fc.array(edit, { maxLength: 6 }), (count, edits) => {
      let keys: readonly string[] = Array.from({ length: count }, (_, index) => keyOf(index));
      let fresh = 1000;
      let ring = createRing(keys, 1024);
      for (const { at, remove, add } of edits) {
        const place = keys.length === 0 ? 0 : at % keys.length;
        keys = keys.toSpliced(place, remove, ...Array.from({ length: add }, () => keyOf(fresh++)));
        ring = createRing(keys, 1024, ring);
        assert.deepEqual(ring, createRing(keys, 1024));
      }
    }),
    { seed: 3, numRuns: 60 },
  );
});

test('hashes ascend, and each endpoint has its points', () => {
  for (const count of [0, 1, 3, 600]) {
    const { hashes, owners, points } = createRing(
      Array.from({ length: count }, (_, index) => keyOf(index)),
      1024,
    );
    assert.ok(hashes.every((hash, at) => at === 0 || hash >= (hashes[at - 1] ?? 0)));
    const counts = new Map<number, number>();
    for (const owner of owners) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    assert.deepEqual(
      [...counts.values()],
      Array.from({ length: count }, () => points),
    );
  }
});
