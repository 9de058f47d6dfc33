import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { splitDocuments } from './split-documents.ts';

const TEXTS: readonly [string, readonly [number, string][]][] = [
  ['', []],
  ['a\nb', [[1, 'a\nb']]],
  ['---\na\n', [[1, '---\na\n']]],
  [
    'a\n---\nb\n--- c',
    [
      [1, 'a\n'],
      [2, '---\nb\n'],
      [4, '--- c'],
    ],
  ],
  ['# licence\n\n%YAML 1.2\n---\na\n', [[1, '# licence\n\n%YAML 1.2\n---\na\n']]],
  [
    'a\n# end\n---\nb',
    [
      [1, 'a\n# end\n'],
      [3, '---\nb'],
    ],
  ],
  ['a: |\n ---\n---b\n----\n', [[1, 'a: |\n ---\n---b\n----\n']]],
  [
    'a\r\n---\r\nb',
    [
      [1, 'a\r\n'],
      [2, '---\r\nb'],
    ],
  ],
  [
    '---\n---\n---',
    [
      [1, '---\n'],
      [2, '---\n'],
      [3, '---'],
    ],
  ],
];

test('a document starts at each marker, its comments and directives before', () => {
  for (const [text, expected] of TEXTS) {
    assert.deepEqual(
      splitDocuments(text).map((chunk) => [chunk.firstLine, chunk.text]),
      expected,
      JSON.stringify(text),
    );
  }
});

test('nothing is lost, and every chunk knows its line', () => {
  const text = fc.string({ unit: fc.constantFrom('---', '\n', 'a', ' ', '#', '%', '\r') });
  fc.assert(
    fc.property(text, (source) => {
      let before = '';
      for (const chunk of splitDocuments(source)) {
        assert.equal(chunk.firstLine, before.split('\n').length);
        before += chunk.text;
      }
      assert.equal(before, source);
    }),
    { numRuns: 500, seed: 6 },
  );
});
