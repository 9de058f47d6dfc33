import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ConnectionFailure } from './api-transport.ts';

/** How a kubeconfig's `proxy-url` may begin (client-go, clientcmd/api). */
export const PROXY_SCHEMES: readonly string[] = ['http:', 'https:', 'socks5:'];

/**
 * A connection to `host:port` by way of a proxy: CONNECT (RFC 9110 §9.3.6) or SOCKS 5 (RFC 1928), with the name and password
 * that the URL has (RFC 7617, RFC 1929).
 *
 * @throws ConnectionFailure
 */
export function openTunnel(proxy: URL, host: string, port: number, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const place = {
      host: proxy.hostname.replaceAll(/[[\]]/g, ''),
      port: Number(proxy.port) || DEFAULT_PORTS[proxy.protocol],
    };
    const secure = proxy.protocol === 'https:';
    const socket = secure
      ? connectTls({ ...place, servername: place.host })
      : connectTcp({ ...place, port: place.port ?? 0 });
    const steps = proxy.protocol === 'socks5:' ? socksSteps(proxy, host, port) : connectSteps(proxy, host, port);
    let received: Buffer = Buffer.alloc(0);
    const fail = (why: string): void => {
      end();
      socket.destroy();
      reject(new ConnectionFailure(`the proxy ${proxy.host} gives no way to ${host}:${port}: ${why}`));
    };
    const onError = (error: Error): void => fail(error.message);
    const onClose = (): void => fail('it closed the connection');
    const timer = setTimeout(() => fail('it does not answer'), timeoutMs);
    const end = (): void => {
      clearTimeout(timer);
      socket.off('data', onData);
      socket.off('close', onClose);
      socket.off('error', onError);
      // Whoever takes the socket over sees that it is closed; nobody's errors end the process.
      socket.on('error', () => undefined);
    };
    const goOn = (): void => {
      const step = steps.next(received);
      if (step.done !== true) {
        if (step.value.send !== undefined) socket.write(step.value.send);
        received = step.value.rest;
        return;
      }
      if (typeof step.value === 'string') fail(step.value);
      else {
        end();
        socket.pause();
        if (step.value.length > 0) socket.unshift(step.value);
        resolve(socket);
      }
    };
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      goOn();
    };
    socket.on('data', onData).on('close', onClose).on('error', onError);
    socket.once(secure ? 'secureConnect' : 'connect', goOn);
  });
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443, 'socks5:': 1080 };

/** What to send, and what of what was received is not read yet; ends with what lies behind, or why it failed. */
type Steps = Generator<{ readonly send?: Buffer; readonly rest: Buffer }, Buffer | string, Buffer>;

const MOST_HEAD = 16_384;
const NOTHING: Buffer = Buffer.alloc(0);

function* connectSteps(proxy: URL, host: string, port: number): Steps {
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const secret = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const basic = proxy.username === '' ? '' : `Proxy-Authorization: Basic ${Buffer.from(secret).toString('base64')}\r\n`;
  let received = yield {
    send: Buffer.from(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${basic}\r\n`),
    rest: NOTHING,
  };
  let end = received.indexOf('\r\n\r\n');
  while (end === -1) {
    if (received.length > MOST_HEAD) return 'its answer is no HTTP';
    received = yield { rest: received };
    end = received.indexOf('\r\n\r\n');
  }
  const [status = ''] = received.toString('latin1', 0, end).split('\r\n');
  return /^HTTP\/1\.[01] 2\d\d/.test(status) ? received.subarray(end + 4) : `it answered "${status.slice(0, 100)}"`;
}

const SOCKS_VERSION = 5;
const NO_AUTHENTICATION = 0;
const PASSWORD = 2;

function* socksSteps(proxy: URL, host: string, port: number): Steps {
  const [user, password] = [proxy.username, proxy.password].map((text) => Buffer.from(decodeURIComponent(text)));
  const method = user === undefined || user.length === 0 ? NO_AUTHENTICATION : PASSWORD;
  let received = yield* atLeast(2, { send: Buffer.of(SOCKS_VERSION, 1, method), rest: NOTHING });
  if (received[0] !== SOCKS_VERSION || received[1] !== method) return 'it does not take this way of logging in';
  if (method === PASSWORD && user !== undefined && password !== undefined) {
    const login = Buffer.concat([Buffer.of(1, user.length), user, Buffer.of(password.length), password]);
    received = yield* atLeast(2, { send: login, rest: received.subarray(2) });
    if (received[1] !== 0) return 'it refused the name or the password';
  }
  const name = Buffer.from(host);
  // By name whatever it is: the proxy may know addresses that we do not.
  const request = Buffer.concat([
    Buffer.of(SOCKS_VERSION, 1, 0, 3, name.length),
    name,
    Buffer.of(port >> 8, port & 255),
  ]);
  received = yield* atLeast(5, { send: request, rest: received.subarray(2) });
  if (received[1] !== 0) return `it answered with code ${received[1]}`;
  const addressLength = received[3] === 1 ? 4 : received[3] === 4 ? 16 : 1 + (received[4] ?? 0);
  const length = 4 + addressLength + 2;
  if (received.length < length) received = yield* atLeast(length, { rest: received });
  return received.subarray(length);
}

function* atLeast(
  length: number,
  first: { readonly send?: Buffer; readonly rest: Buffer },
): Generator<{ readonly send?: Buffer; readonly rest: Buffer }, Buffer, Buffer> {
  let received = yield first;
  while (received.length < length) received = yield { rest: received };
  return received;
}
