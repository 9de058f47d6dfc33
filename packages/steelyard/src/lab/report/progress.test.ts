import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProgress } from './progress.ts';

function written(terminal: boolean): string {
  let text = '';
  const progress = createProgress({ write: (part) => (text += part), terminal });
  progress.phase('starting 3 pods');
  progress.calls('proxy', 10, 20);
  progress.clear();
  return text;
}

test('a terminal has one line that is written over and cleared at the end', () => {
  assert.equal(written(true), '\r\u001B[Kstarting 3 pods …\r\u001B[Kproxy: 10 of 20 calls\r\u001B[K');
});

test('a log has a line per phase and no control characters', () => {
  assert.equal(written(false), 'starting 3 pods …\n');
});
