import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestSource, FLAG, FRAME, literalBlock, rawFrame, setting } from '@steelyard/testkit';
import { startTimedBed } from '../transport/engine.test-bed.ts';
import { type ScriptedPod, startScriptedPod } from './scripted-pod.test-bed.ts';

const answer = literalBlock([
  [':status', '200'],
  ['content-type', 'application/grpc'],
  ['grpc-status', '0'],
]);

/** Large windows for streams, but that of a connection is never widened: after 65,535 octets it carries no more. */
function startStarvingPod(): Promise<ScriptedPod> {
  const { END_HEADERS, END_STREAM } = FLAG;
  return startScriptedPod((id) => rawFrame(FRAME.HEADERS, END_HEADERS | END_STREAM, id, answer), setting(4, 1_048_576));
}

test('a connection whose window is used up is not given more calls: they get another one', async () => {
  const pod = await startStarvingPod();
  const { caller, tickAt } = await startTimedBed(createTestSource([pod]), { limits: { keepaliveAfterMs: 0 } });
  assert.equal((await caller.call('x')).headers['grpc-status'], '0');
  const stuck = caller.open();
  stuck.on('error', () => undefined);
  stuck.end(Buffer.alloc(100_000));
  // Its octets come before those of the next call, which has none of its own and so gets through beside them.
  assert.equal((await caller.call()).headers['grpc-status'], '0');
  assert.equal(pod.connections, 1, 'full for a moment is no reason for another connection');
  tickAt(1000);
  for (let i = 0; i < 5; i++) assert.equal((await caller.call('x')).headers['grpc-status'], '0');
  assert.equal(pod.connections, 2);
  caller.session.destroy();
});

test('but not for ever: when many are used up it is the pod that takes no more', async () => {
  const pod = await startStarvingPod();
  const { caller, tickAt } = await startTimedBed(createTestSource([pod]), { limits: { keepaliveAfterMs: 0 } });
  assert.equal((await caller.call('x')).headers['grpc-status'], '0');
  for (let second = 1; second <= 12; second++) {
    const stuck = caller.open();
    stuck.on('error', () => undefined);
    stuck.end(Buffer.alloc(100_000));
    assert.equal((await caller.call()).headers['grpc-status'], '0');
    tickAt(second * 1000);
  }
  assert.equal(pod.connections, 8);
  caller.session.destroy();
});
