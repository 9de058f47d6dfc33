import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { collect, createTestSource, echo, startPod, TestCaller } from '@steelyard/testkit';
import { startProxy } from '../proxy.ts';
import { cleanUp, silent, startBed } from './proxy.test-bed.ts';

describe('where calls go', () => {
  const authorities: readonly (readonly [authority: string, served: boolean])[] = [
    ['backend', true],
    ['backend:8000', true],
    ['backend.default', true],
    ['backend.default.svc:8000', true],
    ['backend.default.svc.cluster.local', true],
    ['BACKEND.default.svc.cluster.local.:8000', true],
    ['10.97.211.12:8000', true],
    ['backend:8001', false],
    ['backend.other', false],
    ['nobody', false],
  ];

  test('the authority decides, in every form a Service has; what is unknown is UNIMPLEMENTED', async () => {
    const { caller } = await startBed(1);
    for (const [authority, served] of authorities) {
      const reply = await caller.call('x', { ':authority': authority });
      assert.equal(reply.headers['grpc-status'] ?? reply.trailers['grpc-status'], served ? '0' : '12', authority);
      if (!served) assert.match(String(reply.headers['grpc-message']), /^steelyard: .*authority/);
    }
  });

  test('--service takes what names no Service', async () => {
    const pod = await startPod();
    const proxy = await startProxy({
      snapshots: createTestSource([pod]),
      listen: { host: '127.0.0.1', port: 0 },
      namespace: 'elsewhere',
      service: { namespace: 'default', name: 'backend', port: 8000 },
      log: silent,
    });
    const caller = new TestCaller(proxy.address.port);
    cleanUp.push(
      () => pod.close(),
      () => proxy.close(),
      () => caller.close(),
    );
    assert.equal((await caller.call('x', { ':authority': 'localhost:1' })).trailers['grpc-status'], '0');
  });

  test('pods come and go without a lost call; the old connection closes when its calls are done', async () => {
    const { pods, source, caller } = await startBed(2);
    const [first, second] = pods;
    assert.ok(first && second);
    const streams = Array.from({ length: 8 }, () => caller.open());
    await Promise.all(streams.map((stream) => (stream.write('x'), once(stream, 'data'))));
    assert.ok(first.calls > 0 && second.calls > 0);
    source.setPods([second]);
    const before = first.calls;
    for (let i = 0; i < 20; i++) assert.equal((await caller.call('y')).trailers['grpc-status'], '0');
    assert.equal(first.calls, before, 'no new call for the pod that went');
    assert.equal(first.sessions.size, 1, 'its calls go on');
    const closed = once([...first.sessions][0] ?? first.server, 'close');
    const replies = streams.map(collect);
    for (const stream of streams) stream.end();
    for (const reply of replies) assert.equal((await reply).trailers['grpc-status'], '0');
    await closed;
    source.setPods([first, second]);
    for (let i = 0; i < 20; i++) assert.equal((await caller.call('z')).trailers['grpc-status'], '0');
    assert.ok(first.calls > before, 'it is back');
  });

  test('a pod that allows few streams gets more connections', async () => {
    const { pods, caller } = await startBed(1, echo, { maxConcurrentStreams: 10 });
    await caller.call('the settings are known now');
    const streams = Array.from({ length: 60 }, () => caller.open());
    await Promise.all(streams.map((stream) => (stream.write('x'), once(stream, 'data'))));
    assert.equal(pods[0]?.sessions.size, 6);
    const replies = streams.map(collect);
    for (const stream of streams) stream.end();
    for (const reply of replies) assert.equal((await reply).trailers['grpc-status'], '0');
  });
});
