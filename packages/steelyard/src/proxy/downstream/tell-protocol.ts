import type { Socket } from 'node:net';

/** "PRI * HTTP/2.0", with which a client that knows begins (RFC 9113 §3.4); no method of HTTP/1.1 begins with it. */
const BEGINNING = Buffer.from('PRI * ');

/** Who says nothing for so long waits for the server to begin: that is not HTTP/2. */
const SILENCE_MS = 1000;

/**
 * Waits for the first octets of a connection and tells whether it speaks HTTP/2 without TLS. Nothing is lost: whoever reads the
 * socket next reads them again. If the connection ends before, nobody is called.
 */
export function tellProtocol(
  socket: Socket,
  onHttp2: () => void,
  onOther: () => void,
  silenceMs: number = SILENCE_MS,
): void {
  let seen: Buffer = Buffer.alloc(0);
  const decide = (next: () => void): void => {
    clearTimeout(timer);
    socket.off('data', look).off('end', leave).off('error', ignore).off('close', forget);
    socket.pause();
    if (seen.length > 0) socket.unshift(seen);
    next();
    socket.resume();
  };
  const look = (chunk: Buffer): void => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, BEGINNING.length);
    if (seen.compare(BEGINNING, 0, length, 0, length) !== 0) decide(onOther);
    else if (length === BEGINNING.length) decide(onHttp2);
  };
  const leave = (): void => void socket.destroy();
  // Its `close` follows.
  const ignore = (): void => undefined;
  const forget = (): void => clearTimeout(timer);
  const timer = setTimeout(() => decide(onOther), silenceMs);
  socket.on('data', look).on('end', leave).on('error', ignore).on('close', forget);
}
