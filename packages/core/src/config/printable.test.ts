import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { renderPrintable } from './printable.ts';
import { renderDiagnostic } from './render-diagnostic.ts';

const CASES: readonly (readonly [string, string])[] = [
  ['plain, “quoted” and 中文 stay', 'plain, “quoted” and 中文 stay'],
  ['\u001b[2J', '\\u001b[2J'],
  ['two\r\nlines', 'two\\u000d\\u000alines'],
  ['\u009b31m', '\\u009b31m'],
  ['\u202eabc', '\\u202eabc'],
  ['a\u200bb\ufeff', 'a\\u200bb\\ufeff'],
  ['\ud800', '\\ud800'],
  ['\u{e0041}', '\\u{e0041}'],
  ['😀', '😀'],
];

test('what would act on a terminal is an escape', () => {
  for (const [text, printable] of CASES) assert.equal(renderPrintable(text), printable);
});

test('a finding is one line, whatever the object is called', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const object = { kind: 'VirtualService', namespace: 'default', name };
      const position = { file: `${name}.yaml`, line: 1, column: 1 };
      const line = renderDiagnostic({
        code: 'invalid-value',
        severity: 'error',
        message: `${name}.`,
        object,
        position,
      });
      assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }),
    { seed: 2, numRuns: 300 },
  );
});
