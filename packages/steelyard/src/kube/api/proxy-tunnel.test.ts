import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { listenLocal, TEST_CERTIFICATE } from '@steelyard/testkit';
import { service, sourceOf, startFake } from '../cluster/cluster.test-bed.ts';
import { REFLECTOR_TIMES } from '../cluster/reflector-times.ts';
import { openTunnel } from './proxy-tunnel.ts';
import { staticCredentials } from './static-credentials.ts';

async function listen(t: TestContext, server: Server): Promise<number> {
  t.after(() => server.close());
  return listenLocal(server);
}

function join(socket: Socket, port: number): void {
  const upstream = connect(port, '127.0.0.1');
  socket.on('error', () => upstream.destroy()).pipe(upstream);
  upstream.on('error', () => socket.destroy()).pipe(socket);
}

interface FakeProxy {
  readonly url: (login: string) => URL;
  readonly asked: string[];
}

async function httpProxy(t: TestContext): Promise<FakeProxy> {
  const asked: string[] = [];
  const server = createHttpServer();
  server.on('connect', (request, socket, head) => {
    const login = request.headers['proxy-authorization'] ?? '';
    asked.push(`${request.url} ${Buffer.from(login.replace('Basic ', ''), 'base64').toString()}`);
    if (login === '') {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    socket.unshift(head);
    const upstream = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1');
    socket.on('error', () => upstream.destroy()).pipe(upstream);
    upstream.on('error', () => socket.destroy()).pipe(socket);
  });
  const port = await listen(t, server);
  return { url: (login) => new URL(`http://${login}127.0.0.1:${port}`), asked };
}

/** Sends its answers an octet at a time. */
async function socksProxy(t: TestContext): Promise<FakeProxy> {
  const asked: string[] = [];
  const server = createServer((socket) => {
    const slowly = (answer: Buffer): void => {
      for (const octet of answer) socket.write(Buffer.of(octet));
    };
    socket.on('error', () => undefined);
    socket.once('data', (hello) => {
      const withPassword = hello[2] === 2;
      slowly(Buffer.of(5, withPassword ? 2 : 0));
      const onRequest = (request: Buffer): void => {
        const name = request.toString('latin1', 5, 5 + (request[4] ?? 0));
        const port = request.readUInt16BE(request.length - 2);
        asked.push(`${name}:${port}`);
        slowly(Buffer.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 0));
        join(socket, port);
      };
      if (!withPassword) socket.once('data', onRequest);
      else {
        socket.once('data', (login) => {
          asked.push(login.toString('latin1', 2).replace(/[^a-z]/, ' '));
          slowly(Buffer.of(1, 0));
          socket.once('data', onRequest);
        });
      }
    });
  });
  const port = await listen(t, server);
  return { url: (login) => new URL(`socks5://${login}127.0.0.1:${port}`), asked };
}

for (const [kind, start] of [
  ['HTTP', httpProxy],
  ['SOCKS 5', socksProxy],
] as const) {
  for (const transport of ['h2', 'https'] as const) {
    test(`the API server is followed over ${transport} by way of ${kind}`, { timeout: 30_000 }, async (t) => {
      const fake = await startFake(t, { transport });
      fake.store.put(service('a'));
      const proxy = await start(t);
      const source = sourceOf(
        {
          server: fake.url,
          ca: TEST_CERTIFICATE,
          proxy: proxy.url('me:secret@'),
          credentials: staticCredentials({ headers: {} }),
        },
        { kinds: ['Service'], times: REFLECTOR_TIMES },
      );
      t.after(() => source.close());
      await source.whenSynced(20_000);
      assert.equal(source.current.services.size, 1);
      assert.match(proxy.asked.join(), /me.secret/);
      assert.match(proxy.asked.join(), new RegExp(`127\\.0\\.0\\.1:${new URL(fake.url).port}`));
    });
  }
}

test('a proxy that refuses, is none, or is not there', { timeout: 30_000 }, async (t) => {
  const refusing = await httpProxy(t);
  await assert.rejects(openTunnel(refusing.url(''), 'api', 6443, 5000), {
    name: 'ConnectionFailure',
    message: /gives no way to api:6443: it answered "HTTP\/1\.1 407 Proxy Authentication Required"/,
  });
  const odd = await listen(
    t,
    createServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-x\r\n')),
  );
  for (const scheme of ['http', 'socks5']) {
    await assert.rejects(openTunnel(new URL(`${scheme}://127.0.0.1:${odd}`), 'api', 6443, 5000), /gives no way/);
  }
  const silent = await listen(
    t,
    createServer((socket) => socket.on('error', () => undefined)),
  );
  await assert.rejects(openTunnel(new URL(`http://127.0.0.1:${silent}`), 'api', 6443, 50), /it does not answer/);
  await assert.rejects(openTunnel(new URL('socks5://127.0.0.1:1'), 'api', 6443, 5000), /ECONNREFUSED/);
});
