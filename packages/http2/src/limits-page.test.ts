import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWorkspaceFile } from '@steelyard/testkit';
import { DEFAULT_LIMITS } from './limits.ts';

test('docs/limits.md has every limit and its default', () => {
  const rows = [...readWorkspaceFile('docs/limits.md').matchAll(/^\| `(\w+)` +\| (\d+) +\|/gm)];
  assert.deepEqual(Object.fromEntries(rows.map(([, name, value]) => [name, Number(value)])), DEFAULT_LIMITS);
});
