import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallOutcome } from '../processes/drive-calls.ts';
import { SteadyDrive } from './drive-steadily.ts';

test('calls begin at their rate, whatever became of the ones before; what ended is counted where it ended', async () => {
  let nowMs = 1_000_000.25;
  const open: ((outcome: CallOutcome) => void)[] = [];
  const drive = new SteadyDrive({ call: (done) => open.push(done), perSecond: 100, now: () => nowMs });
  drive.tick();
  assert.equal(open.length, 0);
  nowMs += 50;
  drive.tick();
  assert.equal(open.length, 5);
  open.shift()?.({ kind: 'answered', address: 'a' });
  open.shift()?.({ kind: 'failed', reason: 'no' });
  nowMs += 100;
  drive.tick();
  assert.equal(open.length, 13, 'three of the first five are still open');
  open.shift()?.({ kind: 'answered', address: 'a' });
  open.shift()?.({ kind: 'answered', address: 'b' });
  let stopped = false;
  const stopping = drive.stop().then(() => (stopped = true));
  nowMs += 100;
  drive.tick();
  assert.equal(open.length, 11, 'no more calls');
  assert.equal(stopped, false);
  for (const done of open.splice(0)) done({ kind: 'answered', address: 'b' });
  await stopping;
  assert.deepEqual(drive.buckets, [
    { startMs: 1_000_000, callsByPod: new Map([['a', 1]]), callsByFailure: new Map([['no', 1]]) },
    {
      startMs: 1_000_100,
      callsByPod: new Map([
        ['a', 1],
        ['b', 1],
      ]),
      callsByFailure: new Map(),
    },
    { startMs: 1_000_200, callsByPod: new Map([['b', 11]]), callsByFailure: new Map() },
  ]);
  assert.deepEqual([...drive.firstAnswerMs.keys()], ['a', 'b']);
});

test('nothing under way: it stops at once', async () => {
  const drive = new SteadyDrive({ call: () => assert.fail('a call'), perSecond: 1, now: () => 0 });
  await drive.stop();
  assert.deepEqual(drive.buckets, []);
});
