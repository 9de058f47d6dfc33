import { createServer, type Server } from 'node:net';
import { listenOn } from '../listen-on.ts';
import { AccessLog } from './access-log/access-log.ts';
import { createFront } from './proxy-front.ts';
import type { Proxy, ProxyOptions } from './proxy-options.ts';
import { startWorkers } from './workers/workers-pool.ts';

export type { Proxy, ProxyOptions } from './proxy-options.ts';

/**
 * Starts the L7 proxy: HTTP/2 with prior knowledge (RFC 9113 §3.3), each call balanced on its own.
 * Rejects with the system's error (`EADDRINUSE`, …) when the address cannot be listened on.
 */
export function startProxy(options: ProxyOptions): Promise<Proxy> {
  const { workers = 1 } = options;
  return workers > 1 ? startWorkers({ ...options, workers }) : startHere(options);
}

async function startHere(options: ProxyOptions): Promise<Proxy> {
  const { snapshots, service, namespace, accessLog, tls, upstreamTls, connections } = options;
  const random = options.random ?? Math.random;
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  const address = await listenOn(server, options.listen);
  const front = createFront({
    snapshots,
    listenPort: address.port,
    service,
    namespace,
    log: options.log.forComponent('proxy'),
    random,
    tls: tls?.current,
    upstreamTls: upstreamTls?.current,
    connections,
    accessLog:
      accessLog &&
      new AccessLog({
        selection: accessLog.selection,
        write: (lines) => accessLog.sink.write(lines),
        now: Date.now,
        random,
      }),
  });
  const subscriptions = [
    tls?.subscribe((next) => front.setTls(next)),
    upstreamTls?.subscribe((next) => front.setUpstreamTls(next)),
  ];
  const unsubscribe = (): void => {
    for (const end of subscriptions) end?.();
  };
  server.on('connection', (socket) => front.accept(socket));
  return {
    address,
    workers: undefined,
    report: async () => ({ ...front.report(), accessLogDropped: accessLog?.sink.dropped ?? 0 }),
    leaving: () => front.leaving(),
    async drain(timeoutMs) {
      const closed = closeServer(server);
      await front.drain(timeoutMs);
      unsubscribe();
      await closed;
    },
    async close() {
      unsubscribe();
      const closed = closeServer(server);
      await front.close();
      await closed;
    },
  };
}

/** Resolves when the server and every connection of it are closed. Closing twice is closing once. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
