import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runHere } from '../run-here.test-bed.ts';

const ROOT = new URL('../../../../../', import.meta.url);
const page = readFileSync(new URL('docs/explain.md', ROOT), 'utf8');

/** The names in the first cells of a section's table. */
function namesIn(heading: string): readonly string[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| (?<names>`[^|]*`) +\|/gm)].flatMap(({ groups }) =>
    (groups?.['names'] ?? '').split(', ').map((name) => name.trim().slice(1, -1)),
  );
}

/** Every field of a JSON text by its path, an item of a list as `[]`. */
function fieldsOf(value: unknown, path = ''): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => fieldsOf(item, `${path}[]`));
  // The reference to an object is one thing.
  if (typeof value !== 'object' || value === null || path.endsWith('.object')) return [path];
  return Object.entries(value).flatMap(([name, inner]) => fieldsOf(inner, path === '' ? name : `${path}.${name}`));
}

test('the page names each field of the JSON and each step, and no others', async () => {
  const found = new Set<string>();
  const steps = new Set<string>();
  for (const [folder, ...more] of [
    ['canary'],
    ['fault'],
    ['locality', '--locality', '/zone-0'],
    ['hash', '-H', 'x-user: a'],
    ['mtls'],
  ] as const) {
    const files = fileURLToPath(new URL(`examples/${folder}`, ROOT));
    const target = 'backend.default:8000/echo.Echo/Say';
    const { stdout } = await runHere('explain', target, '-f', files, '-o', 'json', ...more);
    const explained: unknown = JSON.parse(stdout);
    for (const field of fieldsOf(explained)) found.add(field);
    for (const [, step = ''] of stdout.matchAll(/"step": "([a-z-]+)"/g)) steps.add(step);
  }
  assert.deepEqual([...found].toSorted(), namesIn('As JSON').toSorted());
  assert.deepEqual([...steps].toSorted(), namesIn('Steps').toSorted());
});
