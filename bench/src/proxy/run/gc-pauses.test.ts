import assert from 'node:assert/strict';
import { it } from 'node:test';
import { gcReport } from './gc-pauses.ts';

it('counts the pauses within the windows, and the calls that meet long ones', () => {
  const lines = '999 50\n1000 2\n1500 6\n2500 9\n3000 0.5\n';
  const windows: [number, number][] = [
    [1000, 2000],
    [3000, 4000],
  ];
  assert.deepEqual(gcReport(lines, windows), {
    pauses: 3,
    seconds: 2,
    mostMs: 6,
    totalMs: 8.5,
    shareInLongPauses: 0.003,
  });
  assert.deepEqual(gcReport('', []), { pauses: 0, seconds: 0, mostMs: 0, totalMs: 0, shareInLongPauses: 0 });
});
