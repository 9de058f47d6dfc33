import { createServer, type Socket } from 'node:net';
import { listenOn } from '../listen-on.ts';
import type { SocketAddress } from '../net-address.ts';
import { AccessLog } from './access-log/access-log.ts';
import { createFront } from './proxy-front.ts';
import type { Serving, ServingOptions } from './proxy-options.ts';
import type { Entrance } from './routing/entrance.ts';
import { startWorkers } from './workers/workers-pool.ts';

/** Serves the connections that it is given, in this process or in others. */
export interface Acceptor extends Serving {
  accept(socket: Socket, entrance: Entrance): void;
}

interface AcceptorOptions extends ServingOptions {
  /** One that is certain to be used. */
  readonly entrance?: Entrance | undefined;
}

export async function startAcceptor(options: AcceptorOptions): Promise<Acceptor> {
  const { workers = 1 } = options;
  return handsOver(options) ? startWorkers({ ...options, workers }) : acceptHere(options);
}

function acceptHere(options: AcceptorOptions): Acceptor {
  const { snapshots, entrance, namespace, accessLog, tls, upstreamTls, connections } = options;
  const random = options.random ?? Math.random;
  const front = createFront({
    snapshots,
    entrance,
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
  return {
    accept: (socket, by) => front.accept(socket, by),
    workers: undefined,
    report: async () => ({ ...front.report(), accessLogDropped: accessLog?.sink.dropped ?? 0 }),
    leaving: () => front.leaving(),
    async drain(timeoutMs) {
      await front.drain(timeoutMs);
      unsubscribe();
    },
    async close() {
      unsubscribe();
      await front.close();
    },
  };
}

/** Whether connections are served by other processes. */
function handsOver({ workers = 1, workerUser }: Pick<ServingOptions, 'workers' | 'workerUser'>): boolean {
  return workers > 1 || workerUser !== undefined;
}

/** Accepts connections. What it accepts it does not know any more: closing does not wait for them. */
export interface AcceptingServer {
  readonly address: SocketAddress;
  /** Gives the connections on, those that came before first. Called once. */
  deliver(accept: (socket: Socket) => void): void;
  close(): void;
}

/** Rejects with the system's error (`EADDRINUSE`, …) when the address cannot be listened on. */
export async function listenForConnections(
  listen: SocketAddress,
  options: Pick<ServingOptions, 'workers' | 'workerUser'>,
): Promise<AcceptingServer> {
  // What goes to another process is not read before that has it. What the peer has closed half is still to be answered.
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: handsOver(options) });
  const early: Socket[] = [];
  const keep = (socket: Socket): void => void early.push(socket);
  server.on('connection', keep);
  const address = await listenOn(server, listen);
  return {
    address,
    deliver(accept) {
      server.off('connection', keep).on('connection', accept);
      for (const socket of early.splice(0)) accept(socket);
    },
    close() {
      for (const socket of early) socket.destroy();
      if (server.listening) server.close();
    },
  };
}
