import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { mixHash } from './hash.ts';
import { type HashPoints, placePoints, type PointHash } from './hash-points.ts';

const hashOf: PointHash = (own, point) => mixHash(own + point);
/** One of sixteen: most points share theirs with others. */
const coarse: PointHash = (own, point) => hashOf(own, point) & 0xf;

const edit = fc.record({ at: fc.nat(), remove: fc.nat({ max: 4 }), add: fc.nat({ max: 4 }) });

for (const [name, hash] of [
  ['', hashOf],
  [', where many hashes are equal', coarse],
] as const) {
  test(`points that were updated are those laid from nothing${name}`, () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 80 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(edit, { maxLength: 6 }),
        (count, each, edits) => {
          let keys: readonly string[] = Array.from({ length: count }, (_, index) => `pod-${index}`);
          let fresh = count;
          let points: HashPoints = placePoints(keys, each, hash);
          for (const { at, remove, add } of edits) {
            const place = at % (keys.length + 1);
            keys = keys.toSpliced(place, remove, ...Array.from({ length: add }, () => `pod-${fresh++}`));
            points = placePoints(keys, each, hash, points);
            assert.deepEqual(points, placePoints(keys, each, hash));
          }
        },
      ),
    );
  });
}

test('the points of the same endpoints are the same, not a copy', () => {
  const points = placePoints(['a', 'b', 'c'], 2, hashOf);
  assert.equal(placePoints(['a', 'b', 'c'], 2, hashOf, points), points);
  for (const keys of [['a', 'b'], ['a', 'b', 'c', 'd'], ['a', 'c', 'b'], []]) {
    assert.deepEqual(placePoints(keys, 2, hashOf, points), placePoints(keys, 2, hashOf));
  }
  assert.notEqual(placePoints(['a', 'b', 'c'], 3, hashOf, points), points);
});
