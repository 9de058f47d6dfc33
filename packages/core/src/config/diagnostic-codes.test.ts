import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DIAGNOSTIC_KINDS } from './diagnostic-codes.ts';

test('docs/diagnostics.md has a row for every code, and no other', () => {
  const text = readFileSync(new URL('../../../../docs/diagnostics.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| \[`([a-z0-9-]+)`\]\(findings\/\1\.md\) +\| (\w+) +\| (.+?) +\|$/gm)].map(
    ([, code, severity, meaning]) => {
      return { code, severity, meaning };
    },
  );
  const kinds = Object.entries(DIAGNOSTIC_KINDS).map(([code, kind]) => ({ code, ...kind }));
  assert.deepEqual(rows, kinds);
});
