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

/**
 * Asks by UDP, from a socket of its own: its port is random, which makes answers hard to guess (RFC 5452 §9.2), and being
 * connected it takes nothing from others and hears at once that nobody listens there. Rejects with the system's error, or
 * after `timeoutMs`.
 */
export function exchangeUdp<T>({ to, query, timeoutMs, signal, read }: Exchange<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const family = isIPv6(to.host.split('%')[0] ?? '') ? 6 : 4;
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      lookup: (host, _options, found) => found(null, host, family),
    });
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.removeAllListeners();
      // A late error, as of an ICMP message under way, is nobody's.
      socket.on('error', () => undefined);
      socket.close();
    };
    const fail = (error: Error): void => {
      end();
      reject(error);
    };
    const abort = (): void => fail(new Error('closed'));
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    signal.addEventListener('abort', abort);
    socket.on('error', fail);
    socket.on('message', (message) => {
      const answer = read(message);
      if (answer === undefined) return;
      end();
      resolve(answer);
    });
    // Not as a callback, which would be given the error as well.
    socket.once('connect', () => socket.send(query));
    socket.connect(to.port, to.host);
  });
}

/** Asks by TCP. Rejects as {@link exchangeUdp} does. */
export function exchangeTcp<T>({ to, query, timeoutMs, signal, read }: Exchange<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const messages = new TcpMessages();
    const socket = connect({ host: to.host, port: to.port });
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.destroy();
    };
    const fail = (error: Error): void => {
      end();
      reject(error);
    };
    const abort = (): void => fail(new Error('closed'));
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    signal.addEventListener('abort', abort);
    socket.on('error', fail);
    socket.once('close', () => fail(new Error('the connection was closed')));
    socket.on('data', (chunk) => {
      for (const message of messages.push(chunk)) {
        const answer = read(message);
        if (answer === undefined) continue;
        resolve(answer);
        end();
        return;
      }
    });
    socket.write(frameTcpMessage(query));
  });
}
