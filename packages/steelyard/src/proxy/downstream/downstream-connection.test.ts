import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { describe, test } from 'node:test';
import { collect, createTestSource, echo, startPod, type TestPodServer } from '@steelyard/testkit';
import type { ConnectionSettings } from '../transport/connection-settings.ts';
import { startTimedBed, type TimedBed } from '../transport/engine.test-bed.ts';
import { cleanUp } from '../end-to-end/proxy.test-bed.ts';

async function startBed(connections: ConnectionSettings): Promise<TimedBed & { readonly pod: TestPodServer }> {
  const pod = await startPod(echo);
  cleanUp.push(() => pod.close());
  return { ...(await startTimedBed(createTestSource([pod]), connections)), pod };
}

describe('the age of a caller’s connection', () => {
  test('old: new calls go elsewhere, those under way finish, then it closes', async () => {
    const { caller, tickAt } = await startBed({ maxAge: { ageMs: 60_000 } });
    const stream = caller.open();
    stream.write('x');
    await once(stream, 'data');
    tickAt(59_999);
    assert.equal((await caller.call('x')).trailers['grpc-status'], '0');
    assert.ok(!caller.session.closed);
    const goAway = once(caller.session, 'goaway');
    tickAt(60_000);
    assert.equal((await goAway)[0], 0);
    // The callers stay for as long as their calls take.
    tickAt(200_000);
    stream.end('y');
    assert.equal((await collect(stream)).trailers['grpc-status'], '0');
    if (!caller.session.destroyed) await once(caller.session, 'close');
  });

  test('over: what is still under way ends with a status, then it closes', async () => {
    const { caller, tickAt, pod } = await startBed({ maxAge: { ageMs: 60_000, graceMs: 5000 } });
    const atPod = once(pod.server, 'stream');
    const stream = caller.open();
    stream.write('x');
    await once(stream, 'data');
    const reply = collect(stream);
    tickAt(60_000);
    await once(caller.session, 'goaway');
    tickAt(64_999);
    stream.write('y');
    await once(stream, 'data');
    tickAt(65_000);
    const { trailers } = await reply;
    assert.equal(trailers['grpc-status'], '14');
    assert.equal(trailers['grpc-message'], 'steelyard: the connection has reached its maximum age');
    const [theirs] = await atPod;
    if (!theirs.closed) await once(theirs, 'close');
    assert.equal(theirs.rstCode, constants.NGHTTP2_CANCEL, 'its pod is told');
    if (!caller.session.destroyed) await once(caller.session, 'close');
  });
});

test('a watch of the proxy’s health that comes while its connection goes is ended, too', async () => {
  const { caller, tickAt, drain } = await startBed({});
  const path = '/grpc.health.v1.Health/Watch';
  const watch = { ':path': path, ':authority': '127.0.0.1' };
  const open = caller.open();
  open.write('x');
  await once(open, 'data');
  // On their way when the proxy says GOAWAY.
  const replies = [caller.call(Buffer.alloc(5), watch), caller.call(Buffer.alloc(5), watch)];
  const goAway = once(caller.session, 'goaway');
  drain();
  await goAway;
  tickAt(1000);
  for (const { headers, trailers } of await Promise.all(replies)) {
    assert.equal(trailers['grpc-status'] ?? headers['grpc-status'], '14');
  }
  open.end();
  await collect(open);
});

const types: readonly (readonly [string, boolean])[] = [
  ['application/grpc', true],
  ['application/grpc+proto', true],
  ['application/grpc;charset=utf-8', true],
  ['application/grpc-web', false],
  ['application/grpc-web+proto', false],
  ['application/grpcfoo', false],
  ['application/json', false],
];
for (const [type, isGrpc] of types) {
  test(`${type} is ${isGrpc ? '' : 'not '}gRPC`, async () => {
    const { caller } = await startBed({});
    const { headers, body } = await caller.call('x', { 'content-type': type, ':authority': 'nobody:1' });
    const expected = isGrpc ? [200, '12', 0] : [404, undefined, true];
    assert.deepEqual([headers[':status'], headers['grpc-status'], isGrpc ? body.length : body.length > 0], expected);
    const reply = await caller.call('to a pod', { 'content-type': type });
    assert.equal(String(reply.body), 'to a pod');
  });
}

test('limits of the operator hold', async () => {
  const { caller } = await startBed({ limits: { maxHeaderListSize: 2000, maxConcurrentStreams: 7 } });
  const reply = await caller.call('x', { 'x-meta': 'm'.repeat(3000) });
  assert.equal(reply.headers['grpc-status'], '8');
  assert.equal(reply.headers['grpc-message'], 'steelyard: the metadata of the call is larger than 2000 octets');
  assert.equal(caller.session.remoteSettings.maxConcurrentStreams, 7);
});
