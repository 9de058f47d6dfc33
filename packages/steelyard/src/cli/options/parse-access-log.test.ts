import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessLogSelection } from '../../proxy/index.ts';
import { parseAccessLog } from './parse-access-log.ts';

const good: readonly [string, AccessLogSelection | 'off'][] = [
  ['off', 'off'],
  ['all', { kind: 'all' }],
  ['errors', { kind: 'errors' }],
  ['sample:0.01', { kind: 'sample', share: 0.01 }],
  ['sample:.5', { kind: 'sample', share: 0.5 }],
  ['sample:1', { kind: 'sample', share: 1 }],
  ['sample:0', { kind: 'sample', share: 0 }],
];
for (const [text, selection] of good) {
  test(`--access-log ${text}`, () => assert.deepEqual(parseAccessLog(text), selection));
}

for (const text of [
  '',
  'on',
  'sample',
  'sample:',
  'sample:1.1',
  'sample:-0.1',
  'sample:1e-2',
  'sample:x',
  'ALL',
  'all ',
]) {
  test(`--access-log ${JSON.stringify(text)} is refused`, () =>
    assert.throws(() => parseAccessLog(text), /Write off, /));
}
