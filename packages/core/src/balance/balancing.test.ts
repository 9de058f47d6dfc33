import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertShares } from './balancing.test-bed.ts';

test('an uneven spread is noticed', () => {
  assert.throws(() => assertShares([300, 100], [1, 1]), /p = /);
});
