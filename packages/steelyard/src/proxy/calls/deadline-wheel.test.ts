import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { DeadlineWheel } from './deadline-wheel.ts';

interface Bed {
  readonly wheel: DeadlineWheel<number>;
  readonly due: number[];
  /** Goes to this time, as the timer would: slot by slot, or in one leap. */
  readonly goTo: (time: number) => void;
}

function createBed(start = 0): Bed {
  let now = start;
  const due: number[] = [];
  const wheel = new DeadlineWheel<number>(
    () => now,
    (subject) => due.push(subject),
  );
  return {
    wheel,
    due,
    goTo: (time) => {
      now = time;
      wheel.advance();
    },
  };
}

describe('deadlines', () => {
  test('are due at their time, at most 10 ms late, and once', () => {
    const { wheel, due, goTo } = createBed(5);
    wheel.add(25, 1);
    goTo(24);
    assert.deepEqual(due, []);
    goTo(35);
    goTo(50);
    assert.deepEqual(due, [1]);
    assert.equal(wheel.waiting, 0);
  });

  test('beyond a turn of the wheel wait for theirs', () => {
    const { wheel, due, goTo } = createBed();
    wheel.add(3_600_000, 1);
    wheel.add(10_240 + 50, 2);
    for (let time = 0; time <= 20_000; time += 10) goTo(time);
    assert.deepEqual(due, [2]);
    goTo(3_600_000);
    assert.deepEqual(due, [2, 1]);
  });

  test('that are over already, or never, are no special case', () => {
    const { wheel, due, goTo } = createBed(1000);
    wheel.add(1, 1);
    wheel.add(Number.MAX_SAFE_INTEGER, 2);
    goTo(1010);
    assert.deepEqual(due, [1]);
    assert.equal(wheel.waiting, 1);
  });

  test('may be set and cancelled while others are worked off', () => {
    const due: string[] = [];
    let now = 0;
    const wheel = new DeadlineWheel<() => void>(
      () => now,
      (act) => act(),
    );
    const one = wheel.add(20, () => {
      due.push('one');
      other.cancel();
    });
    const other = wheel.add(20, () => {
      due.push('other');
      one.cancel();
      wheel.add(20, () => due.push('later'));
    });
    now = 20;
    wheel.advance();
    now = 30;
    wheel.advance();
    assert.deepEqual(due, ['other', 'later']);
  });

  test('agree with a plain list, whatever is set, cancelled and waited for', () => {
    const step = fc.record({
      ms: fc.oneof(fc.double({ min: 0, max: 30, noNaN: true }), fc.integer({ min: 0, max: 40_000 })),
      what: fc.constantFrom<'add' | 'cancel' | 'wait'>('add', 'cancel', 'wait'),
    });
    const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { wheel, due, goTo } = createBed(123.4);
      let now = 123.4;
      const open = new Map<number, { readonly at: number; readonly cancel: () => void }>();
      for (const [id, { ms, what }] of steps.entries()) {
        if (what === 'add') {
          const deadline = wheel.add(now + ms, id);
          open.set(id, { at: deadline.at, cancel: () => deadline.cancel() });
        } else if (what === 'cancel') {
          const [first] = open;
          first?.[1].cancel();
          if (first !== undefined) open.delete(first[0]);
        } else {
          now += ms;
          goTo(now);
          for (const ended of due.splice(0)) {
            const { at = Infinity } = open.get(ended) ?? {};
            assert.ok(at <= now, 'not before its time, nor after it was cancelled');
            open.delete(ended);
          }
          for (const { at } of open.values()) assert.ok(at > now - 10, 'not more than 10 ms late');
        }
        assert.equal(wheel.waiting, open.size);
      }
    });
    fc.assert(property, { numRuns: 300, seed: 5 });
  });
});
