import type { Server } from 'node:net';
import type { SocketAddress } from '../net-address.ts';

/** An address cannot be listened on. `code` is the system's: `EADDRINUSE`, `EACCES`, … */
export class ListenError extends Error {
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.name = 'ListenError';
    this.code = code;
  }
}

/** Binds and listens. Resolves with the address that was got. */
export function listen(server: Server, { host, port }: SocketAddress): Promise<SocketAddress> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      reject(new ListenError(`cannot listen on ${host}:${port}: ${reasonOf(error)}`, error.code ?? 'UNKNOWN'));
    };
    server.once('error', onError);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', onError);
      const bound = server.address();
      resolve(bound !== null && typeof bound === 'object' ? { host: bound.address, port: bound.port } : { host, port });
    });
  });
}

function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'another process uses this port';
    case 'EACCES':
      return 'not permitted (ports below 1024 need rights)';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address';
    case 'ENOTFOUND':
      return 'the host name does not resolve';
    default:
      return error.message;
  }
}
