import { createServer, type Server, type Socket } from 'node:net';
import type { Random } from '@steelyard/core/balance';
import type { SnapshotSource } from '@steelyard/core/model';
import type { AddressedService } from '@steelyard/core/routing';
import type { Logger } from '../log.ts';
import { listenOn } from '../listen-on.ts';
import type { SocketAddress } from '../net-address.ts';
import { ClusterTable } from './cluster-table.ts';
import { DownstreamConnection } from './downstream-connection.ts';
import { createEngine } from './engine.ts';
import { Router } from './router.ts';

export interface ProxyOptions {
  readonly snapshots: SnapshotSource;
  readonly listen: SocketAddress;
  /** The Service meant when a call's `:authority` names none. */
  readonly service?: AddressedService;
  /** Short names in `:authority` are of this namespace. */
  readonly namespace: string;
  readonly log: Logger;
  readonly random?: Random;
}

export interface Proxy {
  readonly address: SocketAddress;
  /** Takes no new connections or calls, lets those under way finish for at most `timeoutMs`, then closes. */
  drain(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts the L7 proxy: HTTP/2 with prior knowledge (RFC 9113 §3.3), each call balanced on its own.
 * Rejects with the system's error (`EADDRINUSE`, …) when the address cannot be listened on.
 */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const log = options.log.forComponent('proxy');
  const random = options.random ?? Math.random;
  const engine = createEngine();
  const connections = new Set<DownstreamConnection>();
  let emptied: (() => void) | undefined;

  const server = createServer({ allowHalfOpen: true, noDelay: true });
  const address = await listenOn(server, options.listen);
  const clusters = new ClusterTable(options.snapshots.current, engine, random);
  const { namespace, service } = options;
  const routing = { namespace, listenPort: address.port, ...(service === undefined ? {} : { service }) };
  const router = new Router(options.snapshots.current, clusters, routing, random);
  const unsubscribe = options.snapshots.subscribe((snapshot) => router.update(snapshot));

  server.on('connection', (socket: Socket) => {
    const connection = new DownstreamConnection(socket, router, engine, (closed) => {
      connections.delete(closed);
      if (connections.size === 0) emptied?.();
    });
    connections.add(connection);
  });

  const close = async (): Promise<void> => {
    unsubscribe();
    const closed = closeServer(server);
    for (const connection of connections) connection.close('the proxy is shutting down');
    await closed;
    clusters.close();
  };

  const drain = async (timeoutMs: number): Promise<void> => {
    const closed = closeServer(server);
    if (connections.size > 0) {
      log.info(`draining ${connections.size} connections for at most ${timeoutMs / 1000} s`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        emptied = () => {
          clearTimeout(timer);
          resolve();
        };
        for (const connection of connections) connection.drain();
      });
    }
    unsubscribe();
    for (const connection of connections) connection.close('the time to drain is over');
    await closed;
    clusters.close();
  };

  return { address, drain, close };
}

/** Resolves when the server and every connection of it are closed. Closing twice is closing once. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
