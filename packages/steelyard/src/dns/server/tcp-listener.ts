import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { Logger } from '../../log.ts';
import type { Responder } from '../answer/responder.ts';
import { TcpMessages, frameTcpMessage } from '../message/tcp-messages.ts';
import type { Listener } from './udp-listener.ts';

export interface TcpOptions {
  /** A connection without queries is closed after so long (RFC 7766 §6.2.3). */
  readonly idleTimeoutMs: number;
  /** One more than these takes the place of the one that has been silent for longest. */
  readonly maxConnections: number;
}

export interface TcpListenerOptions extends TcpOptions {
  readonly address: string;
  readonly port: number;
  readonly respond: Responder;
  /** Whether the worker processes of a cluster share the socket. */
  readonly shared: boolean;
  readonly log: Logger;
}

/** More questions of one connection under way are not read before some are answered. */
const MAX_UNDER_WAY = 64;

/** Rejects with the system's error. */
export async function listenTcp(options: TcpListenerOptions): Promise<Listener> {
  const { respond, idleTimeoutMs, maxConnections, log } = options;
  // A Set gives its members in the order they came in: the first is the one silent for longest.
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    const [oldest] = open;
    // Under a flood of connections nobody is kept out: the idle ones go (RFC 7766 §6.2.3).
    if (open.size >= maxConnections) oldest?.destroy();
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('data', () => {
      open.delete(socket);
      open.add(socket);
    });
    serve(socket, respond, idleTimeoutMs, log);
  });
  const bound = await listen(server, options);
  server.on('error', (error) => log.warn(`TCP socket: ${error.message}`));
  return {
    port: bound,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** Answers the queries of one connection as soon as it can, also out of their order (RFC 7766 §6.2.1.1). */
function serve(socket: Socket, respond: Responder, idleTimeoutMs: number, log: Logger): void {
  const messages = new TcpMessages();
  let underWay = 0;
  socket.setTimeout(idleTimeoutMs, () => socket.destroy());
  socket.on('error', (error) => log.debug(`TCP connection of ${socket.remoteAddress ?? 'a caller'}: ${error.message}`));
  const readOn = (): void => {
    if (underWay < MAX_UNDER_WAY && !socket.writableNeedDrain) socket.resume();
  };
  const answerLater = async (later: Promise<Buffer | undefined>): Promise<void> => {
    underWay++;
    const answer = await later;
    underWay--;
    if (socket.destroyed) return;
    if (answer === undefined) socket.destroy();
    else if (socket.write(frameTcpMessage(answer))) readOn();
  };
  socket.on('drain', readOn);
  socket.on('data', (chunk) => {
    const answers: Buffer[] = [];
    for (const message of messages.push(chunk)) {
      const answer = respond(message, 'tcp');
      if (answer instanceof Promise) {
        void answerLater(answer);
        continue;
      }
      // What is no query ends the connection: its sender is out of step or does not speak DNS.
      if (answer === undefined) {
        socket.destroy();
        return;
      }
      answers.push(frameTcpMessage(answer));
    }
    // A caller that does not read its answers is not read from either.
    const full = answers.length > 0 && !socket.write(Buffer.concat(answers));
    if (full || underWay >= MAX_UNDER_WAY) socket.pause();
  });
}

function listen(server: Server, { address, port, shared }: TcpListenerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, exclusive: !shared }, () => {
      server.removeListener('error', reject);
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
    });
  });
}
