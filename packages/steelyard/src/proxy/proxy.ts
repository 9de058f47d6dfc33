import { createServer, type Server } from 'node:net';
import type { Random } from '@steelyard/core/balance';
import type { SnapshotSource } from '@steelyard/core/model';
import type { AddressedService } from '@steelyard/core/routing';
import type { Logger } from '../log.ts';
import { listenOn } from '../listen-on.ts';
import type { SocketAddress } from '../net-address.ts';
import type { AccessLog } from './access-log.ts';
import type { WorkersReport } from './metrics-page.ts';
import type { ProxyReport } from './metrics-report.ts';
import { createFront } from './proxy-front.ts';

export interface ProxyOptions {
  readonly snapshots: SnapshotSource;
  readonly listen: SocketAddress;
  /** The Service meant when a call's `:authority` names none. */
  readonly service?: AddressedService;
  /** Short names in `:authority` are of this namespace. */
  readonly namespace: string;
  readonly log: Logger;
  readonly random?: Random;
  readonly accessLog?: AccessLog | undefined;
}

export interface Proxy {
  readonly address: SocketAddress;
  /** What was counted since the start. */
  report(): Promise<ProxyReport>;
  /** Of a proxy with several processes. */
  readonly workers: WorkersReport | undefined;
  /** Takes no new connections or calls, lets those under way finish for at most `timeoutMs`, then closes. */
  drain(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts the L7 proxy in this process: HTTP/2 with prior knowledge (RFC 9113 §3.3), each call balanced on its own.
 * Rejects with the system's error (`EADDRINUSE`, …) when the address cannot be listened on.
 */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  const address = await listenOn(server, options.listen);
  const front = createFront({
    snapshots: options.snapshots,
    listenPort: address.port,
    service: options.service,
    namespace: options.namespace,
    log: options.log.forComponent('proxy'),
    random: options.random ?? Math.random,
    accessLog: options.accessLog,
  });
  server.on('connection', (socket) => front.accept(socket));
  return {
    address,
    workers: undefined,
    report: async () => front.report(),
    async drain(timeoutMs) {
      const closed = closeServer(server);
      await front.drain(timeoutMs);
      await closed;
    },
    async close() {
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
