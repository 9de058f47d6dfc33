import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestResolver, registerTestResolver } from './test-resolver.test-bed.ts';

test('the test resolver is told of by its scheme', () => {
  registerTestResolver();
  assert.equal(TestResolver.getDefaultAuthority(), 'test');
});
