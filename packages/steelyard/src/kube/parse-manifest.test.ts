import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { parseManifest } from './parse-manifest.ts';

/** Each document as its value, or as `line:column message` of its problem. */
function outline(text: string): readonly unknown[] {
  return parseManifest('a.yaml', text).map(({ value, problems = [] }) => {
    const [problem] = problems;
    return problem === undefined ? value : `${problem.line}:${problem.column} ${problem.code}: ${problem.message}`;
  });
}

const TEXTS: readonly [string, string, readonly unknown[]][] = [
  ['nothing', '', []],
  ['only a comment', '# hello\n', []],
  ['an empty document', '---\n---\na: 1\n', [null, { a: 1 }]],
  ['several documents', 'a: 1\n---\nb: 2\n', [{ a: 1 }, { b: 2 }]],
  ['JSON', '{"a": [1, "x", null]}', [{ a: [1, 'x', null] }]],
  ['words that YAML 1.1 took for booleans', 'a: yes\nb: on', [{ a: 'yes', b: 'on' }]],
  ['merge keys', 'x: &x {a: 1}\ny: {<<: *x, b: 2}', [{ x: { a: 1 }, y: { a: 1, b: 2 } }]],
  ['an open quote', 'a: 1\n---\nb: "x\n---\nc: 3\n', [{ a: 1 }, '3:6 syntax-error: Missing closing "quote.', { c: 3 }]],
  [
    'an open bracket',
    'b: [1, 2\n---\nc: 3\n',
    ['1:9 syntax-error: Flow sequence in block collection must be sufficiently indented and end with a ].', { c: 3 }],
  ],
  ['a key twice', 'a: 1\na: 2\n---\nc: 3\n', ['2:1 syntax-error: Map keys must be unique.', { c: 3 }]],
  ['a tab', 'a:\n\tb: 1\n---\nc: 3\n', ['2:1 syntax-error: Tabs are not allowed as indentation.', { c: 3 }]],
  [
    'an alias to nothing',
    'a: *x\n---\nc: 3\n',
    ['1:1 syntax-error: Unresolved alias (the anchor must be set before the alias): x.', { c: 3 }],
  ],
];

test('every document of a file, and a bad one costs only itself', () => {
  for (const [name, text, expected] of TEXTS) assert.deepEqual(outline(text), expected, name);
});

test('aliases that multiply beyond bounds are refused', () => {
  const levels = Array.from(
    { length: 12 },
    (_, level) => `a${level + 1}: &a${level + 1} [${Array.from({ length: 9 }, () => `*a${level}`).join(', ')}]`,
  );
  assert.match(String(outline(`a0: &a0 [x]\n${levels.join('\n')}`)[0]), /^1:1 syntax-error: Excessive alias count/);
});

test('a field is found by its key, an item by its place, what is absent by the nearest above', () => {
  const [first, second] = parseManifest(
    'a.yaml',
    '# x\na: &a\n  b:\n    - c: 1\n    - {d: 2}\n---\ne: &e {f: 1}\ng: *e\n80: x\n',
  );
  const cases: readonly [readonly (string | number)[], number, number][] = [
    [[], 2, 1],
    [['a'], 2, 1],
    [['a', 'b'], 3, 3],
    [['a', 'b', 0], 4, 7],
    [['a', 'b', 0, 'c'], 4, 7],
    [['a', 'b', 1, 'd'], 5, 8],
    [['a', 'x', 'y'], 2, 1],
    [['a', 'b', 7], 3, 3],
  ];
  for (const [path, line, column] of cases) assert.deepEqual(first?.locate(path), { line, column }, path.join('.'));
  assert.deepEqual(second?.locate(['g', 'f']), { line: 7, column: 8 });
  assert.deepEqual(second?.locate(['80']), { line: 9, column: 1 });
});

test('any text is read without throwing, and every place in it can be asked for', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({
      unit: fc.constantFrom(
        'a',
        ': ',
        '- ',
        '\n',
        ' ',
        '---\n',
        '{',
        '}',
        '[',
        ']',
        '"',
        '&a ',
        '*a',
        '|',
        '<<',
        '!',
        '\t',
        '?',
        '%',
      ),
    }),
  );
  fc.assert(
    fc.property(text, fc.array(fc.oneof(fc.constant('a'), fc.nat(3))), (source, path) => {
      for (const document of parseManifest('a.yaml', source)) {
        const place = document.locate(path);
        if (place !== undefined) assert.ok(place.line >= 1 && place.column >= 1);
        for (const { message } of document.problems ?? []) assert.match(message, /^[^\n]+\.$/);
      }
    }),
    { numRuns: 500, seed: 4 },
  );
});
