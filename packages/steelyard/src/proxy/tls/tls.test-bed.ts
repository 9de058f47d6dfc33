import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import {
  type ClientHttp2Session,
  connect,
  createSecureServer,
  type SecureClientSessionOptions,
  type SecureServerOptions,
} from 'node:http2';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { collect, createTestSource, echo, listenLocal, startPod, type TestReply } from '@steelyard/testkit';
import { cleanUp, silent } from '../end-to-end/proxy.test-bed.ts';
import { type Proxy, type ProxyOptions, startProxy } from '../proxy.ts';
import { FIRST, TEST_CA } from './tls-identities.test-bed.ts';
import type { Source } from './tls-follow.ts';
import type { ServerTls } from './tls-settings.ts';

export function serverTls(more: Partial<ServerTls> = {}): ServerTls {
  return { identities: [FIRST], clientCa: undefined, clientAuth: 'none', ticketKeys: randomBytes(48), ...more };
}

export interface TestFolder {
  readonly at: (name: string) => string;
  /** A file as a whole, as renaming does it. */
  readonly put: (name: string, text: string) => Promise<void>;
}

/** A folder of the test's own. */
export async function makeFolder(t: TestContext): Promise<TestFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'steelyard-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const at = (name: string): string => join(folder, name);
  return {
    at,
    async put(name, text) {
      await writeFile(at('.draft'), text);
      await rename(at('.draft'), at(name));
    },
  };
}

export function fixed<T>(current: T): Source<T> {
  return { current, subscribe: () => () => undefined };
}

/** A pod that shows {@link FIRST} and echoes. Resolves with its port. */
export async function startSecurePod(options: SecureServerOptions = {}): Promise<number> {
  const server = createSecureServer({ ...FIRST, ...options });
  server.on('sessionError', () => undefined).on('session', (session) => cleanUp.push(async () => session.destroy()));
  server.on('stream', echo);
  cleanUp.push(async () => server.close());
  return listenLocal(server);
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
