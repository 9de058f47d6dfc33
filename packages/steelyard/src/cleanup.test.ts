import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCleanup } from './cleanup.ts';

test('closes in the opposite order, each once', async () => {
  const cleanup = createCleanup();
  const closed: string[] = [];
  for (const name of ['a', 'b', 'c']) cleanup.defer(() => void closed.push(name));
  await Promise.all([cleanup.run(), cleanup.run()]);
  await cleanup.run();
  assert.deepEqual(closed, ['c', 'b', 'a']);
});

test('closes all, even if one cannot be, and says so', async () => {
  const cleanup = createCleanup();
  const closed: string[] = [];
  cleanup.defer(() => void closed.push('a'));
  cleanup.defer(() => Promise.reject(new Error('stuck')));
  await assert.rejects(cleanup.run(), /stuck/);
  assert.deepEqual(closed, ['a']);
});

test('what is opened while closing is closed, too', async () => {
  const cleanup = createCleanup();
  const closed: string[] = [];
  cleanup.defer(async () => {
    await Promise.resolve();
    cleanup.defer(() => void closed.push('late'));
  });
  await cleanup.run();
  cleanup.defer(() => void closed.push('later'));
  await cleanup.run();
  assert.deepEqual(closed, ['late', 'later']);
});
