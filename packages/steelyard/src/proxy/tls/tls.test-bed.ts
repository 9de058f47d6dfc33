import { once } from 'node:events';
import { type ClientHttp2Session, connect, type SecureClientSessionOptions } from 'node:http2';
import { randomBytes } from 'node:crypto';
import { collect, createTestSource, startPod, type TestReply } from '@steelyard/testkit';
import { cleanUp, silent } from '../end-to-end/proxy.test-bed.ts';
import { type Proxy, type ProxyOptions, startProxy } from '../proxy.ts';
import { FIRST, TEST_CA } from './tls-identities.test-bed.ts';
import type { Source } from './tls-follow.ts';
import type { ServerTls } from './tls-settings.ts';

export function serverTls(more: Partial<ServerTls> = {}): ServerTls {
  return { identities: [FIRST], clientCa: undefined, clientAuth: 'none', ticketKeys: randomBytes(48), ...more };
}

export function fixed<T>(current: T): Source<T> {
  return { current, subscribe: () => () => undefined };
}

export async function startTlsProxy(tls: Source<ServerTls>, more: Partial<ProxyOptions> = {}): Promise<Proxy> {
  const pod = await startPod();
  const proxy = await startProxy({
    snapshots: createTestSource([pod]),
    listen: { host: '127.0.0.1', port: 0 },
    namespace: 'default',
    log: silent,
    tls,
    ...more,
  });
  cleanUp.push(
    () => pod.close(),
    () => proxy.close(),
  );
  return proxy;
}

export function openSession(proxy: Proxy, options: SecureClientSessionOptions = {}): ClientHttp2Session {
  const session = connect(`https://localhost:${proxy.address.port}`, { ca: TEST_CA, host: '127.0.0.1', ...options });
  session.on('error', () => undefined);
  cleanUp.push(async () => session.destroy());
  return session;
}

export function callOn(session: ClientHttp2Session): Promise<TestReply> {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/echo.Echo/Say',
    ':authority': 'backend:8000',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.end('hello');
  return collect(stream);
}

/** `0` when a call over a new connection succeeds, else why the connection failed. */
export async function tryCall(proxy: Proxy, options: SecureClientSessionOptions = {}): Promise<string> {
  const session = openSession(proxy, options);
  let problem = 'closed';
  session.on('error', (error: NodeJS.ErrnoException) => (problem = error.code ?? error.message));
  const closed = once(session, 'close').then(
    () => undefined,
    () => undefined,
  );
  const reply = await Promise.race([callOn(session), closed]);
  session.destroy();
  return reply?.trailers['grpc-status'] === '0' ? '0' : problem;
}
