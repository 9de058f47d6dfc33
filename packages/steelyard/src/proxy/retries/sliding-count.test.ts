import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { SlidingCount } from './sliding-count.ts';

test('counts what is no older than the interval, and nothing that is a tenth older', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.array(fc.oneof(fc.nat(10), fc.nat(300_000)), { maxLength: 200 }),
      (intervalMs, steps) => {
        const count = new SlidingCount(intervalMs);
        const times: number[] = [];
        let now = 0;
        for (const step of steps) {
          now += step;
          const within = (ms: number): number => times.filter((at) => now - at <= ms).length;
          const total = count.total(now);
          assert.ok(total >= within(intervalMs), `${total} of ${within(intervalMs)} at ${now}`);
          assert.ok(total <= within(intervalMs * 1.1 + 1e-6), `${total} of ${within(intervalMs * 1.1)} at ${now}`);
          count.record(now);
          times.push(now);
        }
      },
    ),
  );
});

test('goes down by the slot', () => {
  const count = new SlidingCount(1000);
  for (let now = 0; now < 1000; now += 50) count.record(now);
  assert.deepEqual(
    [1000, 1099, 1100, 1500, 1999, 2000, 1e9].map((now) => count.total(now)),
    [20, 20, 18, 10, 2, 0, 0],
  );
});
