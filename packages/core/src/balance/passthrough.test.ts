import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { createPassthroughPicker, hashOfEndpoint } from './passthrough.ts';
import { createSeededRandom } from './seeded-random.ts';

const endpointsOf = (count: number): { key: string; activeRequests: number }[] =>
  Array.from({ length: count }, (_, index) => ({
    key: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:8000`,
    activeRequests: 0,
  }));

test('a call that means an endpoint gets that one, however busy it is', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), fc.nat(), (count, which, seed) => {
      const endpoints = endpointsOf(count);
      const meant = endpoints[which % count];
      assert.ok(meant);
      meant.activeRequests = 1000;
      const picker = createPassthroughPicker(endpoints, createSeededRandom(seed));
      assert.equal(picker.pick(hashOfEndpoint(meant.key)), meant);
    }),
  );
});

test('one that means none, or one that is gone, goes to the less busy', () => {
  const endpoints = endpointsOf(2);
  const [busy, idle] = endpoints;
  assert.ok(busy && idle);
  busy.activeRequests = 1;
  const picker = createPassthroughPicker(endpoints, createSeededRandom(1));
  assert.equal(picker.pick(), idle);
  assert.equal(picker.pick(hashOfEndpoint('10.9.9.9:8000')), idle);
  assert.equal(createPassthroughPicker([], createSeededRandom(1)).pick(hashOfEndpoint('10.0.0.0:8000')), undefined);
});

test('no two of 100,000 endpoints are taken for each other', () => {
  const hashes = endpointsOf(100_000).map(({ key }) => hashOfEndpoint(key));
  assert.equal(new Set(hashes).size, hashes.length);
  assert.ok(hashes.every((hash) => Number.isSafeInteger(hash) && hash >= 0));
});

test('a picker that starts from the one before finds what is there, and nothing that has gone', () => {
  const edit = fc.record({ at: fc.nat(), remove: fc.nat({ max: 4 }), add: fc.nat({ max: 4 }) });
  const all = endpointsOf(400);
  const random = createSeededRandom(9);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300 }), fc.array(edit, { maxLength: 6 }), (count, edits) => {
      let [endpoints, fresh] = [all.slice(0, count), count];
      let picker = createPassthroughPicker(endpoints, random);
      for (const { at, remove, add } of edits) {
        const place = endpoints.length === 0 ? 0 : at % endpoints.length;
        const added = all.slice(fresh, fresh + add);
        fresh += add;
        const left = endpoints.toSpliced(place, remove, ...added);
        const next = createPassthroughPicker(left, random, picker);
        for (const one of all) {
          const meant = next.pick(hashOfEndpoint(one.key));
          if (left.includes(one)) assert.equal(meant, one);
          else assert.ok(left.length === 0 ? meant === undefined : meant !== undefined && left.includes(meant));
        }
        for (const one of endpoints) assert.equal(picker.pick(hashOfEndpoint(one.key)), one);
        [endpoints, picker] = [left, next];
      }
    }),
    { seed: 6, numRuns: 60 },
  );
});
