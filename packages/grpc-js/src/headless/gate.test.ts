import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from '../fake-clock.test-bed.ts';
import { createGate } from './gate.ts';

test('so many at a time, the others in their order, failures included', async () => {
  const through = createGate(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const outcomes = [0, 1, 2, 3].map((task) =>
    through(async () => {
      begun.push(task);
      await new Promise<void>((resolve) => ends.push(resolve));
      if (task === 0) throw new Error('task 0');
      return task;
    }).catch((error: unknown) => String(error)),
  );
  await settle();
  assert.deepEqual(begun, [0, 1]);
  ends[0]?.();
  await settle();
  assert.deepEqual(begun, [0, 1, 2]);
  ends[1]?.();
  await settle();
  assert.deepEqual(begun, [0, 1, 2, 3]);
  ends[2]?.();
  ends[3]?.();
  assert.deepEqual(await Promise.all(outcomes), ['Error: task 0', 1, 2, 3]);
});
