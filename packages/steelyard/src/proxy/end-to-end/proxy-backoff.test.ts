import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { collect, createTestSource, echo, startPod, type TestReply } from '@steelyard/testkit';
import { listening, startTimedBed } from '../transport/engine.test-bed.ts';
import { cleanUp } from './proxy.test-bed.ts';

interface FlakyPod {
  readonly port: number;
  connections: number;
  /** It lets callers in; before, it closes each connection at once. */
  works: boolean;
}

/** A pod that one can have fail to connect, at a port that stays the same. */
async function startFlakyPod(): Promise<FlakyPod> {
  const behind = await startPod(echo);
  const flaky: FlakyPod = { port: 0, connections: 0, works: false };
  const { server, port } = await listening((socket) => {
    flaky.connections++;
    socket.on('error', () => undefined);
    if (flaky.works) behind.server.emit('connection', socket);
    else socket.destroy();
  });
  cleanUp.push(
    () => once(server.close(), 'close'),
    () => behind.close(),
  );
  return Object.assign(flaky, { port });
}

function statusOf({ headers, trailers }: TestReply): string {
  return String(headers['grpc-status'] ?? trailers['grpc-status']);
}

describe('a pod that cannot be reached', () => {
  test('and is the only one: one attempt, then calls fail at once until the wait is over', async () => {
    const pod = await startFlakyPod();
    const { caller, tickAt, endpoints } = await startTimedBed(createTestSource([pod]));
    for (let round = 0; round < 3; round++) {
      const replies = await Promise.all(Array.from({ length: 40 }, () => caller.call('x')));
      assert.deepEqual([...new Set(replies.map(statusOf))], ['14']);
    }
    assert.equal(pod.connections, 1);
    assert.equal(endpoints()[0]?.failing, true);
    const reply = await caller.call('x');
    assert.match(
      String(reply.headers['grpc-message']),
      new RegExp(`^steelyard: 127.0.0.1:${pod.port} cannot be reached for the moment: .+`),
    );
    tickAt(199);
    assert.equal(statusOf(await caller.call('x')), '14');
    assert.equal(pod.connections, 1);
    tickAt(200);
    assert.equal(statusOf(await caller.call('x')), '14');
    assert.equal(pod.connections, 2);
    pod.works = true;
    tickAt(519);
    assert.equal(statusOf(await caller.call('x')), '14');
    tickAt(520);
    assert.equal(statusOf(await caller.call('x')), '0');
    assert.equal(pod.connections, 3);
  });

  test('while it is tried again, no more calls wait for it than one connection takes', async () => {
    const pod = await startFlakyPod();
    const { caller, tickAt } = await startTimedBed(createTestSource([pod]));
    await caller.call('x');
    tickAt(200);
    const replies = await Promise.all(Array.from({ length: 250 }, () => caller.call('x')));
    assert.deepEqual([...new Set(replies.map(statusOf))], ['14']);
    assert.equal(pod.connections, 2);
  });

  for (const policy of ['LEAST_REQUEST', 'ROUND_ROBIN']) {
    test(`and is not the only one (${policy}): the other has the calls until it is back`, async () => {
      const [pod, good] = [await startPod(echo), await startPod(echo)];
      cleanUp.push(
        () => good.close(),
        () => pod.close(),
      );
      const { port } = pod;
      // Its `close` gives nothing back from Node 24 on.
      pod.server.close();
      await once(pod.server, 'close');
      const { caller, tickAt, attempts } = await startTimedBed(createTestSource([{ port }, good], policy));
      const callMany = async (): Promise<void> => {
        const replies = await Promise.all(Array.from({ length: 60 }, () => caller.call('x')));
        assert.deepEqual([...new Set(replies.map(statusOf))], ['0']);
      };
      for (let round = 0; round < 3; round++) await callMany();
      assert.equal(attempts(), 2, 'one for each');
      await once(pod.server.listen(port, '127.0.0.1'), 'listening');
      tickAt(200);
      for (let round = 0; round < 20 && pod.calls === 0; round++) await callMany();
      assert.ok(pod.calls > 0);
      assert.equal(attempts(), 3);
    });
  }
});

test('connections beyond the first are closed when no call has needed them for a minute', async () => {
  const pod = await startPod(echo, { maxConcurrentStreams: 1 });
  cleanUp.push(() => pod.close());
  const { caller, tickAt, endpoints, attempts } = await startTimedBed(createTestSource([pod]));
  const callThree = async (): Promise<void> => {
    const streams = [caller.open(), caller.open(), caller.open()];
    for (const stream of streams) stream.write('x');
    await Promise.all(streams.map((stream) => once(stream, 'data')));
    await Promise.all(streams.map((stream) => collect(stream.end())));
  };
  await callThree();
  assert.equal(attempts(), 3);
  tickAt(1000);
  tickAt(50_000);
  // Calls between two looks count, too.
  await callThree();
  tickAt(61_000);
  tickAt(120_999);
  await callThree();
  assert.equal(attempts(), 3, 'none was closed');
  tickAt(200_000);
  tickAt(260_000);
  // Either side may see the end first.
  const connections = (): number | undefined => endpoints()[0]?.connections;
  while (pod.sessions.size > 1 || connections() !== 1) await new Promise((resolve) => setImmediate(resolve));
  tickAt(1e6);
  assert.equal(statusOf(await caller.call('x')), '0');
  assert.equal(attempts(), 3, 'the last one stays');
});
