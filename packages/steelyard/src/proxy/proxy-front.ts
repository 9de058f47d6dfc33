import type { Socket } from 'node:net';
import type { Random } from '@steelyard/core/balance';
import type { SnapshotSource } from '@steelyard/core/model';
import type { AddressedService } from '@steelyard/core/routing';
import type { Logger } from '../log.ts';
import type { AccessLog } from './access-log/access-log.ts';
import { ClusterTable } from './upstream/cluster-table.ts';
import type { ConnectionSettings } from './transport/connection-settings.ts';
import { DownstreamConnection } from './downstream/downstream-connection.ts';
import { createEngine } from './transport/engine.ts';
import { processUse, type ProxyReport } from './metrics/metrics-report.ts';
import { Router } from './routing/router.ts';
import { createTlsAcceptor } from './tls/tls-acceptor.ts';
import { createUpstreamTls } from './tls/tls-connect.ts';
import type { ServerTls, UpstreamTls } from './tls/tls-settings.ts';

export interface FrontOptions {
  readonly snapshots: SnapshotSource;
  /** The port callers dial: the Service port meant when `:authority` names none. */
  readonly listenPort: number;
  readonly service?: AddressedService | undefined;
  readonly namespace: string;
  readonly log: Logger;
  readonly random: Random;
  readonly accessLog?: AccessLog | undefined;
  readonly tls?: ServerTls | undefined;
  readonly upstreamTls?: UpstreamTls | undefined;
  readonly connections?: ConnectionSettings | undefined;
}

/** The proxy without a listening socket: connections come in by `accept`, whoever accepted them. */
export interface Front {
  accept(socket: Socket): void;
  /** For connections from now on, when it was made with TLS. @throws Error when it cannot be used; nothing changes then. */
  setTls(tls: ServerTls): void;
  /** The same for connections to pods. */
  setUpstreamTls(tls: UpstreamTls): void;
  report(): ProxyReport;
  /** Goes on as before, but whoever asks for its health hears that it is about to end. */
  leaving(): void;
  /** Takes no new calls, lets those under way finish for at most `timeoutMs`, then closes. */
  drain(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

export function createFront(options: FrontOptions): Front {
  const { snapshots, namespace, listenPort, service, random, log, accessLog, connections: settings } = options;
  const upstreamTls = options.upstreamTls && createUpstreamTls(options.upstreamTls);
  const engine = createEngine({ accessLog, upstreamTls, connections: settings, random });
  const clusters = new ClusterTable(snapshots.current, engine, random);
  const routing = { namespace, listenPort, ...(service === undefined ? {} : { service }) };
  const router = new Router(snapshots.current, clusters, routing, random, engine.deadlines);
  const unsubscribe = snapshots.subscribe((snapshot) => router.update(snapshot));
  /** Every accepted socket until it is closed. */
  const sockets = new Set<Socket>();
  const connections = new Set<DownstreamConnection>();
  const waiters = new Set<() => void>();
  let draining = false;

  const serve = (socket: Socket): void => {
    const connection = new DownstreamConnection(socket, router, engine, (closed) => connections.delete(closed));
    connections.add(connection);
    if (draining) connection.drain();
  };

  let tlsHandshakeFailures = 0;
  const acceptor =
    options.tls &&
    createTlsAcceptor({
      tls: options.tls,
      onSecure: serve,
      onFailure: (why) => {
        tlsHandshakeFailures++;
        log.debug(`a TLS handshake failed: ${why}`);
      },
    });

  /** Resolves once there is no connection any more, or when the time is over. */
  const untilEmpty = async (timeoutMs: number): Promise<void> => {
    if (sockets.size === 0) return;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        waiters.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, timeoutMs);
      waiters.add(finish);
    });
  };

  const endAll = async (why: string): Promise<void> => {
    draining = true;
    unsubscribe();
    for (const connection of connections) connection.close(why);
    // A connection that is closed lingers for its peer to close too, and destroys itself at last: this always ends.
    await untilEmpty(CLOSE_WITHIN_MS);
    for (const socket of sockets) socket.destroy();
    clusters.close();
    accessLog?.flush();
  };

  return {
    accept(socket) {
      sockets.add(socket);
      socket.once('close', () => {
        sockets.delete(socket);
        if (sockets.size === 0) for (const finish of waiters) finish();
      });
      if (acceptor === undefined) serve(socket);
      else acceptor.accept(socket);
    },

    setTls: (tls) => acceptor?.update(tls),

    setUpstreamTls(tls) {
      engine.upstreamTls = createUpstreamTls(tls);
      clusters.retryAll();
    },

    report() {
      return {
        methods: engine.calls.methods.all().map((method) => method.report()),
        endpoints: clusters.report(),
        downstream: { ...engine.downstream },
        upstream: { ...engine.upstream },
        tlsHandshakeFailures,
        accessLogDropped: 0,
        ...processUse(),
      };
    },

    leaving: () => engine.health.leave(),

    async drain(timeoutMs) {
      draining = true;
      engine.health.leave();
      if (sockets.size > 0) {
        log.info(`draining ${sockets.size} connections for at most ${timeoutMs / 1000} s`);
        for (const connection of connections) connection.drain();
        await untilEmpty(timeoutMs);
      }
      await endAll('the proxy is shutting down, and the time for calls to finish is over');
    },

    close: () => endAll('the proxy is shutting down'),
  };
}

const CLOSE_WITHIN_MS = 2000;
