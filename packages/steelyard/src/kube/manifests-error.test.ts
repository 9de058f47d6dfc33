import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { ManifestsErrorCode } from './manifests-error.ts';

/** The compiler keeps this complete. */
const CODES: Readonly<Record<ManifestsErrorCode, true>> = {
  MANIFESTS_NOT_FOUND: true,
  MANIFESTS_UNREADABLE: true,
  MANIFESTS_EMPTY: true,
  MANIFESTS_UNUSABLE: true,
  MANIFESTS_INVALID: true,
};

test('docs/diagnostics.md has a row for every code, and no other', () => {
  const text = readFileSync(new URL('../../../../docs/diagnostics.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(MANIFESTS_\w+)` +\|/gm)].map(([, code]) => code);
  assert.deepEqual(rows, Object.keys(CODES));
});
