import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { ReadBuffer } from './read-buffer.ts';
import { IncomingSocket } from './incoming-socket.ts';

interface Pair {
  readonly client: Socket;
  readonly accepted: Socket;
}

async function openPair(t: TestContext): Promise<Pair> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const client = connect({ port: typeof address === 'object' ? (address?.port ?? 0) : 0, host: '127.0.0.1' });
  client.on('error', () => undefined);
  const [accepted]: unknown[] = await once(server, 'connection');
  assert.ok(accepted instanceof Socket);
  t.after(() => {
    client.destroy();
    accepted.destroy();
    server.close();
  });
  return { client, accepted };
}

/** What comes in, until `length` octets have. */
function reading(length: number): { readonly all: Promise<string>; readonly read: (chunk: Uint8Array) => void } {
  let text = '';
  let done = (_text: string): void => undefined;
  const all = new Promise<string>((resolve) => (done = resolve));
  const read = (chunk: Uint8Array): void => {
    text += Buffer.from(chunk).toString();
    if (text.length >= length) done(text);
  };
  return { all, read };
}

/** Reads it, and returns the socket to use. */
function take(accepted: Socket, read: (chunk: Uint8Array) => void = () => undefined): Socket {
  const incoming = new IncomingSocket(accepted, new ReadBuffer());
  incoming.deliverTo(read);
  return incoming.socket;
}

describe('reading an accepted connection directly', () => {
  test('this version of Node allows it', async (t) => {
    const { client, accepted } = await openPair(t);
    const { all, read } = reading(10);
    const socket = take(accepted, read);
    assert.notEqual(socket, accepted);
    assert.equal(socket.remotePort, client.localPort);
    assert.equal(socket.allowHalfOpen, true);
    client.write('hello');
    client.write('there');
    assert.equal(await all, 'hellothere');
    socket.end('answer');
    client.end();
    const [answer]: unknown[] = await once(client, 'data');
    assert.equal(String(answer), 'answer');
  });

  test('what the accepted socket has read comes first', async (t) => {
    const { client, accepted } = await openPair(t);
    client.write('early');
    await once(accepted, 'readable');
    const { all, read } = reading(9);
    take(accepted, read);
    client.write('late');
    assert.equal(await all, 'earlylate');
  });

  test("what is read is the reader's to keep", async (t) => {
    const { client, accepted } = await openPair(t);
    const chunks: Uint8Array[] = [];
    let heard = (): void => undefined;
    take(accepted, (chunk) => {
      chunks.push(chunk);
      heard();
    });
    for (const text of ['first', 'other']) {
      const one = new Promise<void>((resolve) => (heard = resolve));
      client.write(text);
      await one;
    }
    assert.deepEqual(chunks.map(String), ['first', 'other']);
  });

  test('an end that came early is heard of, too', async (t) => {
    const { client, accepted } = await openPair(t);
    client.end('all');
    await once(client, 'finish');
    // As a rule it has come by then; that it is heard of must not depend on it.
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    const { all, read } = reading(3);
    const socket = take(accepted, read);
    await once(socket, 'end');
    assert.equal(await all, 'all');
  });

  test('the end of the other side is heard of, and the connection is only half closed', async (t) => {
    const { client, accepted } = await openPair(t);
    const socket = take(accepted);
    client.end();
    await once(socket, 'end');
    socket.end('more');
    const [more]: unknown[] = await once(client, 'data');
    assert.equal(String(more), 'more');
  });

  test('the accepted socket is closed, and the connection is not', async (t) => {
    const { client, accepted } = await openPair(t);
    const { all, read } = reading(5);
    const closed = once(accepted, 'close');
    const socket = take(accepted, read);
    await closed;
    client.write('hello');
    assert.equal(await all, 'hello');
    const gone = Promise.all([once(socket, 'close'), once(client.resume(), 'close')]);
    socket.destroy();
    await gone;
  });

  test('a server hears that all of its connections are closed', async (t) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const client = connect({ port: typeof address === 'object' ? (address?.port ?? 0) : 0, host: '127.0.0.1' });
    t.after(() => client.destroy());
    const [accepted]: unknown[] = await once(server, 'connection');
    assert.ok(accepted instanceof Socket);
    take(accepted);
    const closed = once(server, 'close');
    server.close();
    client.destroy();
    await closed;
  });

  test('a socket that is gone stays what it is', async (t) => {
    const { accepted } = await openPair(t);
    accepted.destroy();
    assert.equal(take(accepted), accepted);
  });
});
