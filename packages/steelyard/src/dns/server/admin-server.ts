import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { SocketAddress } from '../../net-address.ts';
import { dnsListenError } from './dns-listen-error.ts';

export interface AdminOptions {
  readonly listen: SocketAddress;
  /** Whether answers are to be had: `/ready`. */
  readonly ready: () => boolean;
  /** The text of `/metrics`. */
  readonly metrics: () => Promise<string>;
}

export interface AdminServer {
  readonly address: SocketAddress;
  close(): Promise<void>;
}

/**
 * `/health`, `/ready` and `/metrics`, where CoreDNS has them; `/livez` and `/readyz` too, as the proxy has them.
 *
 * @throws DnsListenError when it cannot listen there
 */
export async function startAdminServer({ listen, ready, metrics }: AdminOptions): Promise<AdminServer> {
  const server = createServer((request, response) => {
    const write = async (): Promise<void> => {
      const [status, text] = await answer(request.url ?? '/', ready, metrics);
      response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      response.end(request.method === 'HEAD' ? undefined : text);
    };
    void write();
  });
  await bind(server, listen);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : listen.port;
  return {
    address: { host: listen.host, port },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  url: string,
  ready: () => boolean,
  metrics: () => Promise<string>,
): Promise<readonly [number, string]> {
  switch (url.split('?')[0] ?? '') {
    case '/health':
    case '/livez':
      return [200, 'OK\n'];
    case '/ready':
    case '/readyz':
      return ready() ? [200, 'OK\n'] : [503, 'the API server has not been heard yet\n'];
    case '/metrics':
      return [200, await metrics()];
    default:
      return [404, 'there are /health, /ready and /metrics\n'];
  }
}

function bind(server: Server, { host, port }: SocketAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(dnsListenError({ host, port }, 'TCP', error)));
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}
