import { once } from 'node:events';
import { createServer } from 'node:http';
import { listenOn } from './listen-on.ts';
import type { SocketAddress } from './net-address.ts';

/** Status and body of an answer. */
export type TextAnswer = readonly [status: number, body: string];

export interface TextServer {
  readonly address: SocketAddress;
  close(): Promise<void>;
}

/**
 * A few paths that answer with text: probes and metrics. Rejects with the system's error when it cannot listen.
 *
 * @param routes by path, without the query
 */
export async function startTextServer(
  listen: SocketAddress,
  routes: Readonly<Record<string, () => TextAnswer | Promise<TextAnswer>>>,
): Promise<TextServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '';
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    const send = ([status, body]: TextAnswer): void => {
      response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    if (route === undefined) send([404, `there are ${Object.keys(routes).join(', ')}\n`]);
    else Promise.resolve(route()).then(send, (error: unknown) => send([500, `${String(error)}\n`]));
  });
  const address = await listenOn(server, listen);
  return {
    address,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
