import type { Socket } from 'node:net';
import type { Random } from '@steelyard/core/balance';
import type { SnapshotSource } from '@steelyard/core/model';
import type { AddressedService } from '@steelyard/core/routing';
import type { Logger } from '../log.ts';
import type { AccessLog } from './access-log/access-log.ts';
import { ClusterTable } from './upstream/cluster-table.ts';
import type { ConnectionSettings } from './transport/connection-settings.ts';
import { DownstreamConnection } from './downstream/downstream-connection.ts';
import { tellProtocol } from './downstream/tell-protocol.ts';
import { createEngine } from './transport/engine.ts';
import { IncomingSocket } from './transport/incoming-socket.ts';
import { mergeFaults } from './metrics/metrics-faults.ts';
import { processUse, type ProxyReport } from './metrics/metrics-report.ts';
import { type Entrance, entranceKey, routingOf } from './routing/entrance.ts';
import { Router } from './routing/router.ts';
import { passThrough } from './upstream/pass-through.ts';
import { createTlsAcceptor, type TlsAcceptor } from './tls/tls-acceptor.ts';
import { createUpstreamTls } from './tls/tls-connect.ts';
import type { ServerTls, UpstreamTls } from './tls/tls-settings.ts';

export interface FrontOptions {
  readonly snapshots: SnapshotSource;
  /** One that is certain to be used; others may come with their first connection. */
  readonly entrance?: Entrance | undefined;
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
  /** @param onClosed the connection is gone. */
  accept(socket: Socket, entrance: Entrance, onClosed?: () => void): void;
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

interface Door {
  readonly router: Router;
  /** Absent: plain text. */
  readonly acceptor: TlsAcceptor | undefined;
}

export function createFront(options: FrontOptions): Front {
  const { snapshots, namespace, random, log, accessLog, connections: settings } = options;
  const upstreamTls = options.upstreamTls && createUpstreamTls(options.upstreamTls);
  const engine = createEngine({ accessLog, upstreamTls, connections: settings, random, log: options.log });
  const clusters = new ClusterTable(snapshots.current, engine, random);
  /** One for each way in; its connections may outlive its listener. */
  const doors = new Map<string, Door>();
  const unsubscribe = snapshots.subscribe((snapshot) => {
    clusters.update(snapshot);
    for (const { router } of doors.values()) router.update(snapshot);
  });
  /** Every accepted socket until it is closed, with whom to tell. */
  const sockets = new Map<Socket, () => void>();
  const connections = new Set<DownstreamConnection>();
  const waiters = new Set<() => void>();
  let draining = false;

  const track = (socket: Socket, onClosed: () => void): void => {
    sockets.set(socket, onClosed);
    socket.once('close', () => {
      if (!sockets.delete(socket)) return;
      onClosed();
      if (sockets.size === 0) for (const finish of waiters) finish();
    });
  };

  const serve = (accepted: Socket, router: Router): void => {
    const onClosed = sockets.get(accepted);
    const incoming = new IncomingSocket(accepted, engine.readBuffer);
    if (onClosed !== undefined && sockets.delete(accepted)) track(incoming.socket, onClosed);
    const connection = new DownstreamConnection(incoming, router, engine, (closed) => connections.delete(closed));
    connections.add(connection);
    if (draining) connection.drain();
  };

  /** On a listener that stands for a Service port, whose callers dialled the Service and know of no proxy. */
  const receive = (socket: Socket, router: Router, service: AddressedService): void => {
    tellProtocol(
      socket,
      () => serve(socket, router),
      () => passThrough(socket, snapshots.current, service, random),
    );
  };

  let { tls } = options;
  let tlsHandshakeFailures = 0;
  let refusedConnections = 0;
  const openDoor = (entrance: Entrance): Door => {
    const router = new Router(snapshots.current, clusters, routingOf(entrance, namespace), random, engine.deadlines);
    const acceptor =
      tls &&
      createTlsAcceptor({
        tls,
        handshakeTimeoutMs: engine.limits.handshakeTimeoutMs,
        onSecure: (socket) => serve(socket, router),
        onFailure: (why) => {
          tlsHandshakeFailures++;
          log.debug(`a TLS handshake failed: ${why}`);
        },
      });
    const door = { router, acceptor };
    doors.set(entranceKey(entrance), door);
    return door;
  };
  // Whatever is the matter with its certificates is heard of now.
  if (options.entrance !== undefined) openDoor(options.entrance);

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
    for (const socket of sockets.keys()) socket.destroy();
    clusters.close();
    accessLog?.flush();
  };

  return {
    accept(socket, entrance, onClosed = () => undefined) {
      if (sockets.size >= engine.limits.maxConnections) {
        refusedConnections++;
        socket.once('close', onClosed).destroy();
        return;
      }
      const { router, acceptor } = doors.get(entranceKey(entrance)) ?? openDoor(entrance);
      track(socket, onClosed);
      if (acceptor !== undefined) acceptor.accept(socket);
      else if (entrance.kind === 'any') serve(socket, router);
      else receive(socket, router, entrance.service);
    },

    setTls(next) {
      for (const { acceptor } of doors.values()) acceptor?.update(next);
      tls = next;
    },

    setUpstreamTls(next) {
      engine.upstreamTls = createUpstreamTls(next);
      clusters.retryAll();
    },

    report() {
      return {
        methods: engine.calls.methods.all().map((method) => method.report()),
        endpoints: clusters.report(),
        clusters: clusters.reportClusters(),
        downstream: { ...engine.downstream },
        upstream: { ...engine.upstream },
        faults: mergeFaults([{ downstream: engine.callerFaults.counts, upstream: engine.podFaults.counts }]),
        pressure: { ...engine.memory.report(), refusedConnections },
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
