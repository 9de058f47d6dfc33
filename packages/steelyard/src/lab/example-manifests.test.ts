import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { EXAMPLE_MANIFESTS } from './example-manifests.ts';

test('the example of the package is that of the repository', () => {
  const folder = new URL('../../../../examples/backend/', import.meta.url);
  const texts = readdirSync(folder)
    .toSorted()
    .map((name) => readFileSync(new URL(name, folder), 'utf8'));
  assert.equal(texts.length, 3);
  assert.deepEqual(objectsOf(EXAMPLE_MANIFESTS), texts.flatMap(objectsOf));
});

function objectsOf(text: string): unknown[] {
  const documents = parseAllDocuments(text);
  return 'empty' in documents ? [] : documents.map((document): unknown => document.toJS());
}
