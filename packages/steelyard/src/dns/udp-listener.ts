import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import type { Logger } from '../log.ts';
import type { Responder } from './responder.ts';

/** A bound UDP socket that answers. */
export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** Rejects with the system's error. */
export async function listenUdp(
  address: string,
  port: number,
  family: 4 | 6,
  respond: Responder,
  log: Logger,
): Promise<Listener> {
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    // Senders are addresses already; the usual look-up would cost each answer a turn of the queue.
    lookup: (host, _options, found) => found(null, host, family),
  });
  await bind(socket, address, port);
  socket.on('error', (error) => log.warn(`UDP socket: ${error.message}`));
  socket.on('message', (message, sender) => {
    const answer = respond(message, 'udp');
    // Port 0 cannot be answered, and Node throws for it.
    if (answer === undefined || sender.port === 0) return;
    // Without a callback, which would cost another turn: what cannot be sent is asked for again, or was made up.
    socket.send(answer, sender.port, sender.address);
  });
  return {
    port: socket.address().port,
    close: () =>
      new Promise((resolve) => {
        socket.close(() => resolve());
      }),
  };
}

function bind(socket: Socket, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once('error', fail);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeListener('error', fail);
      resolve();
    });
  });
}
