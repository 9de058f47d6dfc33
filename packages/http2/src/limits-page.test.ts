import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWorkspaceFile } from '@steelyard/testkit';
import { DEFAULT_LIMITS, LIMIT_RANGES } from './limits.ts';

test('docs/limits.md has every limit and its default', () => {
  const rows = [...readWorkspaceFile('docs/limits.md').matchAll(/^\| `(\w+)` +\| (\d+) +\|/gm)];
  assert.deepEqual(Object.fromEntries(rows.map(([, name, value]) => [name, Number(value)])), DEFAULT_LIMITS);
});

test('every default is within what may be set', () => {
  assert.deepEqual(Object.keys(LIMIT_RANGES), Object.keys(DEFAULT_LIMITS));
  for (const [name, value] of Object.entries(DEFAULT_LIMITS)) {
    const [least, most] = Object.entries(LIMIT_RANGES).find(([key]) => key === name)?.[1] ?? [NaN, NaN];
    assert.ok(least <= value && value <= most, `${name}: ${value} is not within ${least} and ${most}`);
  }
});
