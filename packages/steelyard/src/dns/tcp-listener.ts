import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { Logger } from '../log.ts';
import type { Responder } from './responder.ts';
import { TcpMessages, frameTcpMessage } from './tcp-messages.ts';
import type { Listener } from './udp-listener.ts';

export interface TcpOptions {
  /** A connection without queries is closed after so long (RFC 7766 §6.2.3). */
  readonly idleTimeoutMs: number;
  /** More connections than these are closed at once. */
  readonly maxConnections: number;
}

/** Rejects with the system's error. */
export async function listenTcp(
  address: string,
  port: number,
  respond: Responder,
  options: TcpOptions,
  log: Logger,
): Promise<Listener> {
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    serve(socket, respond, options.idleTimeoutMs, log);
  });
  server.maxConnections = options.maxConnections;
  const bound = await listen(server, address, port);
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

/** Answers the queries of one connection in their order, as many at once as it likes to send. */
function serve(socket: Socket, respond: Responder, idleTimeoutMs: number, log: Logger): void {
  const messages = new TcpMessages();
  socket.setTimeout(idleTimeoutMs, () => socket.destroy());
  socket.on('error', (error) => log.debug(`TCP connection of ${socket.remoteAddress ?? 'a caller'}: ${error.message}`));
  socket.on('drain', () => socket.resume());
  socket.on('data', (chunk) => {
    const answers: Buffer[] = [];
    for (const message of messages.push(chunk)) {
      const answer = respond(message, 'tcp');
      // What is no query ends the connection: its sender is out of step or does not speak DNS.
      if (answer === undefined) {
        socket.destroy();
        return;
      }
      answers.push(frameTcpMessage(answer));
    }
    // A caller that does not read its answers is not read from either.
    if (answers.length > 0 && !socket.write(Buffer.concat(answers))) socket.pause();
  });
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.removeListener('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
