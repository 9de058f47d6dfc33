import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from './fake-clock.test-bed.ts';

test('timers of the fake clock come in order, and not when taken back', async () => {
  const clock = new FakeClock();
  const seen: string[] = [];
  clock.setTimer(() => seen.push(`b at ${clock.now()}`), 20);
  clock.setTimer(() => seen.push(`a at ${clock.now()}`), 10);
  clock.setTimer(() => seen.push('never'), 15)();
  await clock.pass(30);
  assert.deepEqual(seen, ['a at 10', 'b at 20']);
});
