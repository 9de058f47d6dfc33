import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A wire between a client and a server that a test can damage. */
export interface TcpRelay {
  readonly port: number;
  /** Resets all connections; new ones are taken. */
  reset(): void;
  /** Nothing passes any more, in either direction, and nothing is closed: half-open. New connections pass. */
  freeze(): void;
  close(): Promise<void>;
}

export async function startTcpRelay(target: () => number): Promise<TcpRelay> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const server: Server = createServer({ pauseOnConnect: true }, (client) => {
    const upstream = connect(target(), '127.0.0.1');
    const pair = [client, upstream] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.on('error', () => to.destroy());
      from.on('data', (chunk) => to.write(chunk));
      from.on('end', () => to.end());
      from.on('close', () => {
        pairs.delete(pair);
        to.destroy();
      });
    }
    client.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  const reset = (): void => {
    for (const [client, upstream] of pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  };
  return {
    port: address.port,
    reset,
    freeze() {
      for (const socket of [...pairs].flat()) {
        socket.removeAllListeners('data');
        socket.pause();
      }
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      reset();
      await closed;
    },
  };
}
