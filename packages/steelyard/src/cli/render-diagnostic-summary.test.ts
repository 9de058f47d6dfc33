import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Severity } from '@steelyard/core/model';
import { renderDiagnosticSummary } from './render-diagnostic-summary.ts';

const cases: readonly [readonly Severity[], string][] = [
  [[], ''],
  [['warning'], '1 warning in the manifests'],
  [['info', 'info'], '2 notes in the manifests'],
  [['warning', 'error', 'warning'], '1 error and 2 warnings in the manifests; what has an error is not used'],
  [
    ['info', 'warning', 'error', 'error'],
    '2 errors, 1 warning and 1 note in the manifests; what has an error is not used',
  ],
];

for (const [severities, expected] of cases) {
  test(`summary of ${severities.join(', ') || 'nothing'}`, () => {
    const diagnostics = severities.map((severity) => ({ code: 'x', severity, message: 'm' }));
    assert.equal(renderDiagnosticSummary(diagnostics), expected);
  });
}
