import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { TestPod, openClient, closeClients, call, failure } from './test-pods.test-bed.ts';

test('a pod answers with its name, or fails when told to', async () => {
  const pod = await new TestPod('p').start();
  const client = openClient(`127.0.0.1:${pod.port}`);
  assert.equal(await call(client), 'p');
  pod.failWith = status.UNAVAILABLE;
  assert.deepEqual(await failure(call(client)), { code: 14, details: 'p fails' });
  closeClients();
  pod.kill();
});
