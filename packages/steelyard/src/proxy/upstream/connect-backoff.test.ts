import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { ConnectBackoff } from './connect-backoff.ts';

describe('the wait after a failed connection', () => {
  test('grows by 1.6 up to 10 s', () => {
    const backoff = new ConnectBackoff(() => 0.5);
    assert.equal(backoff.waitMs(0), 0);
    const waits: number[] = [];
    let now = 0;
    for (let i = 0; i < 12; i++) {
      backoff.failed('refused', now, now);
      waits.push(Math.round(backoff.waitMs(now)));
      now += backoff.waitMs(now);
      assert.equal(backoff.waitMs(now), 0);
    }
    assert.deepEqual(waits, [200, 320, 512, 819, 1311, 2097, 3355, 5369, 8590, 10_000, 10_000, 10_000]);
    assert.ok(backoff.failing);
    assert.equal(backoff.lastError, 'refused');
  });

  test('attempts side by side are one failure; a success ends it', () => {
    const backoff = new ConnectBackoff(() => 0.5);
    for (let i = 0; i < 10; i++) backoff.failed(`error ${i}`, 50, 100);
    backoff.failed('too late', 99, 150);
    assert.equal(backoff.waitMs(100), 200);
    backoff.succeeded();
    assert.ok(!backoff.failing);
    assert.equal(backoff.waitMs(100), 0);
    backoff.failed('again', 1000, 1000);
    assert.equal(backoff.waitMs(1000), 200);
  });

  test('does not begin before spare failures are used up, and they come back with a success', () => {
    const backoff = new ConnectBackoff(() => 0.5, 2);
    const waits: number[] = [];
    for (let now = 0; now < 8; now++) {
      if (now === 5) backoff.succeeded();
      backoff.failed('refused', now, now);
      waits.push(Math.round(backoff.waitMs(now)));
      assert.equal(backoff.failing, (waits.at(-1) ?? 0) > 0);
    }
    assert.deepEqual(waits, [0, 0, 200, 320, 512, 0, 0, 200]);
  });

  test('is within a fifth of what it should be', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1, maxLength: 20 }),
        (draws) => {
          const backoff = new ConnectBackoff(() => draws.at(-1) ?? 0);
          for (const i of draws.keys()) backoff.failed('', i, i);
          const now = draws.length - 1;
          const ideal = Math.min(10_000, 200 * 1.6 ** now);
          const wait = backoff.waitMs(now);
          assert.ok(wait >= 0.8 * ideal - 0.001 && wait <= 1.2 * ideal, `${wait} of ${ideal}`);
        },
      ),
    );
  });
});
