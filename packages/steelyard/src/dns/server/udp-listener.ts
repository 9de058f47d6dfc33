import type { RemoteInfo, Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import type { Logger } from '../../log.ts';
import type { Responder } from '../answer/responder.ts';
import { FLAG_RECURSION_DESIRED, FLAG_RESPONSE, FLAG_TRUNCATED, HEADER_LENGTH } from '../message/protocol.ts';
import type { ResponseRate } from './response-rate.ts';

/** A bound socket that answers. */
export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

export interface UdpOptions {
  readonly address: string;
  readonly port: number;
  readonly family: 4 | 6;
  readonly respond: Responder;
  /** Absent: everybody gets every answer. */
  readonly rate?: ResponseRate;
  /** Whether the worker processes of a cluster share the socket. */
  readonly shared: boolean;
  readonly log: Logger;
}

/** Rejects with the system's error. */
export async function listenUdp(options: UdpOptions): Promise<Listener> {
  const { family, respond, rate, log } = options;
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    // Senders are addresses already; the usual look-up would cost each answer a turn of the queue.
    lookup: (host, _options, found) => found(null, host, family),
    recvBufferSize: RECEIVE_BUFFER,
  });
  await bind(socket, options);
  let open = true;
  let warnedMs = Number.NEGATIVE_INFINITY;
  socket.on('error', (error) => {
    // There may be one for each answer, as when a route is missing.
    const isNew = performance.now() - warnedMs > WARN_EVERY_MS;
    if (isNew) warnedMs = performance.now();
    log[isNew ? 'warn' : 'debug'](`UDP socket: ${error.message}`);
  });
  const send = (answer: Buffer | undefined, { address, port }: RemoteInfo): void => {
    // Port 0 cannot be answered, and Node throws for it.
    if (answer === undefined || port === 0 || !open) return;
    const verdict = rate === undefined ? 'send' : rate.judge(address, performance.now());
    if (verdict === 'drop') return;
    // Without a callback, which would cost another turn: what cannot be sent is asked for again, or was made up.
    socket.send(verdict === 'send' ? answer : shorten(answer), port, address);
  };
  socket.on('message', (message, sender) => {
    const answer = respond(message, 'udp');
    if (answer instanceof Promise) void answer.then((later) => send(later, sender));
    else send(answer, sender);
  });
  return {
    port: socket.address().port,
    close: () =>
      new Promise((resolve) => {
        open = false;
        socket.close(() => resolve());
      }),
  };
}

/** The kernel's default holds a few hundred datagrams: less than come while a larger change is taken over. Bytes. */
const RECEIVE_BUFFER = 4 << 20;

const WARN_EVERY_MS = 60_000;

/** No record, only the question and TC: not longer than what was asked. */
function shorten(answer: Buffer): Buffer {
  let end = HEADER_LENGTH;
  if (answer.readUInt16BE(4) === 1) {
    for (let length = answer[end]; length !== undefined && length > 0; length = answer[end]) end += 1 + length;
    end += 5;
  }
  const short = Buffer.from(answer.subarray(0, end));
  const flags = FLAG_RESPONSE | FLAG_TRUNCATED | (answer.readUInt16BE(2) & FLAG_RECURSION_DESIRED);
  short.writeUInt16BE(flags, 2);
  short.fill(0, 6, HEADER_LENGTH);
  return short;
}

function bind(socket: Socket, { address, port, shared }: UdpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once('error', fail);
    socket.bind({ address, port, exclusive: !shared }, () => {
      socket.removeListener('error', fail);
      resolve();
    });
  });
}
