import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import {
  collect,
  concat,
  echo,
  FLAG,
  FRAME,
  listenLocal,
  literalBlock,
  type PodBehaviour,
  rawFrame,
  startPod,
  uint32,
} from '@steelyard/testkit';
import { cleanUp, startBed } from './proxy.test-bed.ts';

async function listening(
  onSocket: (socket: Socket) => void,
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer(onSocket);
  return { server, port: await listenLocal(server) };
}

/** A port nobody listens on. */
async function closedPort(): Promise<number> {
  const { server, port } = await listening(() => undefined);
  server.close();
  await once(server, 'close');
  return port;
}

describe('a call that no pod has looked at is sent again', () => {
  test('connection refused: the other pod has it, body and all', async () => {
    const { pods, source, caller } = await startBed(1);
    const port = await closedPort();
    source.setPods([{ port }, { port: pods[0]?.port ?? 0 }]);
    for (let i = 0; i < 30; i++) {
      const body = randomBytes(i * 1500);
      const reply = await caller.call(body, { 'x-meta': `call ${i}` });
      assert.equal(reply.trailers['grpc-status'], '0', `call ${i}`);
      assert.ok(reply.body.equals(body));
      assert.equal(reply.headers['x-echo'], `call ${i}`);
    }
  });

  test('REFUSED_STREAM: another try, and at most four', async () => {
    let refusals = 3;
    const reluctant: PodBehaviour = (stream, headers) => {
      if (refusals-- > 0) stream.close(constants.NGHTTP2_REFUSED_STREAM);
      else echo(stream, headers);
    };
    const { caller, pods } = await startBed(1, reluctant);
    const body = randomBytes(20_000);
    const reply = await caller.call(body);
    assert.ok(reply.body.equals(body));
    assert.equal(pods[0]?.calls, 4);
    refusals = 1000;
    assert.equal((await caller.call('x')).headers['grpc-status'], '14');
    assert.equal(pods[0]?.calls, 4 + 5);
  });

  test('a pod that says GOAWAY in the middle of many calls loses none', async () => {
    const { caller, pods } = await startBed(2);
    let bad = 0;
    for (let round = 0; round < 10; round++) {
      const calls = Array.from({ length: 60 }, () => caller.call(randomBytes(3000)));
      for (const pod of pods) for (const session of pod.sessions) session.close();
      for (const reply of await Promise.all(calls)) if (reply.trailers['grpc-status'] !== '0') bad++;
    }
    assert.equal(bad, 0);
  });

  test('more than 64 settings-less streams at once find their connections', async () => {
    const pod = await startPod(echo, { maxConcurrentStreams: 10 });
    cleanUp.push(() => pod.close());
    const { source, caller } = await startBed(1);
    source.setPods([pod]);
    const replies = await Promise.all(Array.from({ length: 90 }, () => caller.call(randomBytes(500))));
    assert.equal(replies.filter((reply) => reply.trailers['grpc-status'] === '0').length, 90);
  });

  test('never when the pod may have looked: a connection that breaks is an error', async () => {
    const half: PodBehaviour = (stream) => setImmediate(() => stream.session?.destroy());
    const { caller, pods } = await startBed(2, half, {}, 'RANDOM', { attempts: 0 });
    assert.equal((await caller.call('x')).headers['grpc-status'], '14');
    assert.equal(
      pods.reduce((sum, pod) => sum + pod.calls, 0),
      1,
    );
  });

  test('a long request above the last stream of a GOAWAY: all of it goes to the next connection', async () => {
    const pod = await startPod();
    let connections = 0;
    const { port, server } = await listening((socket) => {
      connections++;
      if (connections > 1) {
        pod.server.emit('connection', socket);
        return;
      }
      socket.write(concat(rawFrame(FRAME.SETTINGS, 0, 0), rawFrame(FRAME.SETTINGS, FLAG.ACK, 0)));
      let received = 0;
      socket.on('data', (chunk) => {
        received += chunk.length;
        // The whole window of the stream has come, and none of it is looked at.
        if (received >= 65_535) socket.write(rawFrame(FRAME.GOAWAY, 0, 0, [...uint32(0), ...uint32(0)]));
      });
    });
    cleanUp.push(
      () => once(server.close(), 'close'),
      () => pod.close(),
    );
    const { source, caller } = await startBed(1);
    source.setPods([{ port }]);
    const body = randomBytes(900_000);
    const stream = caller.open();
    stream.end(body);
    const reply = await collect(stream);
    assert.equal(reply.trailers['grpc-status'], '0');
    assert.ok(reply.body.equals(body));
    assert.equal(connections, 2);
  });

  test('never once a response has begun', async () => {
    let connections = 0;
    const response = literalBlock([
      [':status', '200'],
      ['content-type', 'application/grpc'],
    ]);
    const { port, server } = await listening((socket) => {
      connections++;
      socket.write(concat(rawFrame(FRAME.SETTINGS, 0, 0), rawFrame(FRAME.SETTINGS, FLAG.ACK, 0)));
      socket.once('data', () => {
        socket.write(rawFrame(FRAME.HEADERS, FLAG.END_HEADERS, 1, response));
        socket.write(rawFrame(FRAME.RST_STREAM, 0, 1, uint32(constants.NGHTTP2_REFUSED_STREAM)));
      });
    });
    cleanUp.push(() => once(server.close(), 'close'));
    const { source, caller } = await startBed(1, echo, {}, 'RANDOM', { attempts: 0 });
    source.setPods([{ port }]);
    const reply = await caller.call('x');
    assert.equal(reply.headers[':status'], 200);
    assert.equal(reply.trailers['grpc-status'], '14');
    assert.equal(connections, 1);
  });

  test('never when a request is too long to be kept', async () => {
    const late: PodBehaviour = (stream) => {
      stream.on('data', () => undefined).on('end', () => stream.close(constants.NGHTTP2_REFUSED_STREAM));
    };
    const { caller, pods } = await startBed(1, late);
    assert.equal((await caller.call(randomBytes(600_000))).headers['grpc-status'], '14');
    assert.equal(pods[0]?.calls, 1);
  });

  test('a stream that was sent again goes on both ways, beyond the windows', async () => {
    let first = true;
    const refuseOnce: PodBehaviour = (stream, headers) => {
      if (first) {
        first = false;
        stream.once('data', () => stream.close(constants.NGHTTP2_REFUSED_STREAM));
        return;
      }
      echo(stream, headers);
    };
    const { caller } = await startBed(1, refuseOnce);
    const stream = caller.open();
    const body = randomBytes(2_000_000);
    stream.write(body.subarray(0, 40_000));
    await once(stream, 'response');
    stream.end(body.subarray(40_000));
    const reply = await collect(stream);
    assert.ok(reply.body.equals(body));
  });
});
