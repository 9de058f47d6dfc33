import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMisbehaviour } from './misbehaviour.ts';
import { holdBars, renderReport } from './report.ts';
import { parseRows } from './row.ts';

const cost = (ratio: number): { experiment: string; subject: string; figures: Record<string, number> } => ({
  experiment: 'cost',
  subject: 'steelyard_round_robin',
  figures: { cpuMicrosPerCall: 130.25, ratioToRoundRobin: ratio },
});

test('a bar holds up to its limit, and only of what was measured', () => {
  assert.deepEqual(
    [1.03, 1.031].map((ratio) => holdBars([cost(ratio)]).map(({ holds, most }) => [holds, most])),
    [[[true, 1.03]], [[false, 1.03]]],
  );
  assert.deepEqual(holdBars([]), []);
});

test('a table with a bar for each subject, then what holds', () => {
  const rows = [cost(1.5), { ...cost(0.75), subject: 'b' }];
  const text = renderReport({ versions: {}, machine: 'm', rounds: 1, rows, bars: holdBars(rows) }, () => 'about');
  assert.deepEqual(text.split('\n'), [
    'cost: about',
    '  subject                CPU us/call  to round_robin',
    `  steelyard_round_robin        130.3           1.500  ${'█'.repeat(20)}`,
    `  b                            130.3           0.750  ${'█'.repeat(10)}`,
    '',
    'FAILS  CPU per call, round robin to round robin: 1.500, at most 1.03',
  ]);
});

test('rows are read back, and nothing else is', () => {
  assert.deepEqual(parseRows(JSON.stringify([cost(1)])), [cost(1)]);
  for (const text of ['{}', '[1]', '[{"experiment":1}]', 'x']) assert.throws(() => parseRows(text));
});

test('misbehaviour by address', () => {
  assert.deepEqual(
    [...parseMisbehaviour('{"127.0.0.1":{"delayMs":5},"127.0.0.2":{"failure":14}}')],
    [
      ['127.0.0.1', { delayMs: 5 }],
      ['127.0.0.2', { failure: 14 }],
    ],
  );
  for (const text of ['1', '{"a":1}']) assert.throws(() => parseMisbehaviour(text), TypeError);
});
