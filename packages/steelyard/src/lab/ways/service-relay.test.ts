import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { SocketAddress } from '../../net-address.ts';
import { listenOn } from '../../listen-on.ts';
import type { ServiceRelayOptions } from './service-relay.ts';
import { startServiceRelay } from './service-relay.ts';

const LOOPBACK: SocketAddress = { host: '127.0.0.1', port: 0 };

async function startPod(t: TestContext, onConnection: (socket: Socket) => void): Promise<SocketAddress> {
  const server: Server = createServer({ allowHalfOpen: true }, onConnection);
  t.after(() => server.close());
  return listenOn(server, LOOPBACK);
}

async function dial(t: TestContext, choose: ServiceRelayOptions['choose']): Promise<Socket> {
  const relay = await startServiceRelay({ listen: LOOPBACK, choose });
  t.after(() => relay.close());
  return connect({ ...relay.address, allowHalfOpen: true });
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

test('bytes pass both ways, and each side’s end passes on by itself', async (t) => {
  const pod = await startPod(t, (socket) => {
    void readAll(socket);
    socket.once('end', () => socket.end('answer after your end'));
  });
  const client = await dial(t, () => pod);
  client.end('question');
  assert.equal(await readAll(client), 'answer after your end');
});

test('each connection is chosen for once, whatever it carries', async (t) => {
  const pods = await Promise.all(
    ['a', 'b'].map((name) => startPod(t, (socket) => socket.on('data', () => socket.write(name)))),
  );
  let chosen = 0;
  const relay = await startServiceRelay({ listen: LOOPBACK, choose: () => pods[chosen++ % 2] });
  t.after(() => relay.close());
  const seen: string[] = [];
  for (let connection = 0; connection < 4; connection += 1) {
    const client = connect(relay.address);
    for (let call = 0; call < 3; call += 1) {
      client.write('x');
      const [chunk] = await once(client, 'data');
      seen.push(String(chunk));
    }
    client.destroy();
  }
  assert.equal(seen.join(''), 'aaabbbaaabbb');
  assert.equal(chosen, 4);
});

test('a connection that may go nowhere is reset at once', async (t) => {
  const client = await dial(t, () => undefined);
  const [error] = await once(client, 'error');
  assert.match(String(error), /ECONNRESET/);
});

test('a pod that refuses resets the client', async (t) => {
  const gone = createServer();
  const address = await listenOn(gone, LOOPBACK);
  await new Promise((resolve) => gone.close(resolve));
  const client = await dial(t, () => address);
  const [error] = await once(client, 'error');
  assert.match(String(error), /ECONNRESET/);
});

test('closing the relay ends its connections', async (t) => {
  const pod = await startPod(t, (socket) => socket.on('error', () => undefined).write('up'));
  const relay = await startServiceRelay({ listen: LOOPBACK, choose: () => pod });
  const client = connect(relay.address);
  await once(client, 'data');
  const ended = once(client, 'close');
  await relay.close();
  await ended;
});
