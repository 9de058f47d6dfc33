import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { SocketAddress } from '../../net-address.ts';
import { frameTcpMessage, TcpMessages } from '../message/tcp-messages.ts';

export interface Exchange<T> {
  readonly to: SocketAddress;
  readonly query: Buffer;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** What an answer says; `undefined`: it is none to this query, and it is waited for another. */
  readonly read: (answer: Buffer) => T | undefined;
}

/** How a question that is under way is told what became of it. Only the first word counts. */
interface Outcome<T> {
  readonly answered: (answer: T) => void;
  readonly failed: (error: Error) => void;
}

/**
 * Asks by UDP, from a socket of its own: its port is random, which makes answers hard to guess (RFC 5452 §9.2), and being
 * connected it takes nothing from others and hears at once that nobody listens there. Rejects with the system's error, or
 * after `timeoutMs`.
 */
export function exchangeUdp<T>(exchange: Exchange<T>): Promise<T> {
  return underWay(exchange, ({ answered, failed }) => {
    const { to, query, read } = exchange;
    const family = isIPv6(to.host.split('%')[0] ?? '') ? 6 : 4;
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      lookup: (host, _options, found) => found(null, host, family),
    });
    socket.on('error', failed);
    socket.on('message', (message) => {
      const answer = read(message);
      if (answer !== undefined) answered(answer);
    });
    // Not as a callback, which would be given the error as well.
    socket.once('connect', () => socket.send(query));
    socket.connect(to.port, to.host);
    return () => {
      socket.removeAllListeners();
      // A late error, as of an ICMP message under way, is nobody's.
      socket.on('error', () => undefined);
      socket.close();
    };
  });
}

/** Asks by TCP. Rejects as {@link exchangeUdp} does. */
export function exchangeTcp<T>(exchange: Exchange<T>): Promise<T> {
  return underWay(exchange, ({ answered, failed }) => {
    const { to, query, read } = exchange;
    const messages = new TcpMessages();
    const socket = connect({ host: to.host, port: to.port });
    socket.on('error', failed);
    socket.once('close', () => failed(new Error('the connection was closed')));
    socket.on('data', (chunk) => {
      for (const message of messages.push(chunk)) {
        const answer = read(message);
        if (answer === undefined) continue;
        answered(answer);
        return;
      }
    });
    socket.write(frameTcpMessage(query));
    return () => socket.destroy();
  });
}

/**
 * Asks, and waits for the answer, the failure, the signal or the clock, whichever comes first.
 *
 * @param ask returns what gives back what it has opened, which is called once
 */
function underWay<T>({ timeoutMs, signal }: Exchange<T>, ask: (outcome: Outcome<T>) => () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    let close: (() => void) | undefined;
    let isOver = false;
    const end = (tell: () => void): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      close?.();
      tell();
    };
    const answered = (answer: T): void => end(() => resolve(answer));
    const failed = (error: Error): void => end(() => reject(error));
    const abort = (): void => failed(new Error('closed'));
    const timer = setTimeout(() => failed(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    signal.addEventListener('abort', abort);
    close = ask({ answered, failed });
  });
}
