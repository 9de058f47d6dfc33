import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pod } from '../lab.test-bed.ts';
import { equalShares } from './expected-shares.ts';

test('equal shares', () => {
  assert.deepEqual(
    [...equalShares([pod('10.0.0.1'), pod('10.0.0.2')])],
    [
      ['10.0.0.1:8000', 0.5],
      ['10.0.0.2:8000', 0.5],
    ],
  );
});
