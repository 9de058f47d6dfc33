import { listenForConnections, startAcceptor } from './proxy-acceptor.ts';
import type { Proxy, ProxyOptions } from './proxy-options.ts';

export type { Proxy, ProxyOptions } from './proxy-options.ts';

/**
 * Starts the L7 proxy: HTTP/2 with prior knowledge (RFC 9113 §3.3), each call balanced on its own.
 * Rejects with the system's error (`EADDRINUSE`, …) when the address cannot be listened on.
 */
export async function startProxy({ listen, service, ...options }: ProxyOptions): Promise<Proxy> {
  const server = await listenForConnections(listen, options);
  const { address } = server;
  const entrance = { kind: 'any', listenPort: address.port, service } as const;
  try {
    const acceptor = await startAcceptor({ ...options, entrance });
    server.deliver((socket) => acceptor.accept(socket, entrance));
    return {
      address,
      get workers() {
        return acceptor.workers;
      },
      report: () => acceptor.report(),
      leaving: () => acceptor.leaving(),
      drain(timeoutMs) {
        server.close();
        return acceptor.drain(timeoutMs);
      },
      close() {
        server.close();
        return acceptor.close();
      },
    };
  } catch (error) {
    server.close();
    throw error;
  }
}
