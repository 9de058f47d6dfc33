import type { Server } from 'node:net';
import type { SocketAddress } from './net-address.ts';

/** Resolves with the address that is really listened on; rejects with the system's error (`EADDRINUSE`). */
export function listenOn(server: Server, { host, port }: SocketAddress): Promise<SocketAddress> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : { host, port });
    });
  });
}
