import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Resolves with the port of 127.0.0.1 that the server then listens on; rejects with the system's error. */
export async function listenLocal(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address === 'object' && address !== null) return address.port;
  throw new Error('the server listens on no TCP port');
}

/** A TCP port of 127.0.0.1 that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenLocal(server);
  server.close();
  await once(server, 'close');
  return port;
}
