// What a socket that encrypts does with the memory it is lent.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { describe, test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { connect as connectTls, createServer } from 'node:tls';
import {
  collect,
  concat,
  createTestSource,
  echo,
  FLAG,
  FRAME,
  listenLocal,
  type PodBehaviour,
  PREFACE,
  rawFrame,
  setting,
  startPod,
  uint32,
} from '@steelyard/testkit';
import { openRequest } from '../abuse/attacker.test-bed.ts';
import { DownstreamConnection } from '../downstream/downstream-connection.ts';
import { Router } from '../routing/router.ts';
import { FIRST, TEST_CA } from '../tls/tls-identities.test-bed.ts';
import { ClusterTable } from '../upstream/cluster-table.ts';
import { createEngine, type Engine } from './engine.ts';
import { IncomingSocket } from './incoming-socket.ts';

const random = (): number => 0.5;

/** A proxy with TLS in front, and its engine. */
async function startTlsEngine(
  t: TestContext,
  behaviour: PodBehaviour = echo,
): Promise<{ port: number; engine: Engine }> {
  const pod = await startPod(behaviour);
  const { current } = createTestSource([pod]);
  const engine = createEngine({ random });
  const clusters = new ClusterTable(current, engine, random);
  const router = new Router(current, clusters, { namespace: 'default', listenPort: 8000 }, random, engine.deadlines);
  const accepted: DownstreamConnection[] = [];
  const server = createServer({ ...FIRST, ALPNProtocols: ['h2'] }, (socket) => {
    const incoming = new IncomingSocket(socket, engine.readBuffer);
    accepted.push(new DownstreamConnection(incoming, router, engine, () => undefined));
  });
  t.after(async () => {
    for (const connection of accepted) connection.close('the test is over');
    clusters.close();
    server.close();
    await pod.close();
  });
  return { port: await listenLocal(server), engine };
}

describe('a socket that encrypts', () => {
  test('gives the memory of what it has written back', async (t) => {
    const { port, engine } = await startTlsEngine(t);
    let out = 0;
    const { buffers } = engine;
    const acquire = buffers.acquire.bind(buffers);
    const release = buffers.release.bind(buffers);
    buffers.acquire = (minimum) => {
      out++;
      return acquire(minimum);
    };
    buffers.release = (buffer) => {
      out--;
      release(buffer);
    };
    const session = connect(`https://localhost:${port}`, { ca: TEST_CA, host: '127.0.0.1' });
    const call = async (): Promise<void> => {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/echo.Echo/Say',
        ':authority': 'backend:8000',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      stream.end(Buffer.alloc(100_000, 7));
      const { body, trailers } = await collect(stream);
      assert.equal(trailers['grpc-status'], '0');
      assert.deepEqual(body, Buffer.alloc(100_000, 7));
    };
    for (let i = 0; i < 20; i++) await call();
    for (let i = 0; i < 1000 && out > 0; i++) await turn();
    assert.equal(out, 0);
    session.destroy();
  });

  test('is not written to without bound when its peer does not read', async (t) => {
    let written = 0;
    const { port, engine } = await startTlsEngine(t, (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      const more = (): void => {
        while (written < 64 * 1024 * 1024) {
          written += 65_536;
          if (!stream.write(Buffer.alloc(65_536))) return;
        }
      };
      stream.on('drain', more);
      more();
    });
    const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: TEST_CA, ALPNProtocols: ['h2'] });
    await once(socket, 'secureConnect');
    socket.pause();
    socket.write(
      concat(
        PREFACE,
        rawFrame(FRAME.SETTINGS, 0, 0, setting(4, 0x7fffffff)),
        rawFrame(FRAME.SETTINGS, FLAG.ACK, 0),
        rawFrame(FRAME.WINDOW_UPDATE, 0, 0, uint32(0x7fff0000)),
        openRequest(1, 0),
      ),
    );
    const { budget } = engine.memory;
    while (budget.used < 262_144) {
      assert.equal(engine.downstream.closed, 0);
      await turn();
    }
    for (let i = 0; i < 1000; i++) await turn();
    // What waits for the socket, and a window of the pod's that is under way or queued.
    assert.ok(budget.used < 1024 * 1024, `${budget.used} octets are held`);
    assert.ok(written < 32 * 1024 * 1024, `${written} octets were taken from the pod`);
    socket.destroy();
  });
});
