import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { listenLocal } from './listen-local.ts';

/** What a caller got: node:http2 is the independent implementation here. */
export interface TestReply {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** RST_STREAM code, 0 for a proper end. */
  readonly resetCode: number;
}

export interface TestPodServer {
  readonly port: number;
  readonly server: Http2Server;
  readonly sessions: Set<ServerHttp2Session>;
  calls: number;
  close(): Promise<void>;
}

export type PodBehaviour = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** Echoes body and metadata, then `grpc-status: 0` in trailers. */
export const echo: PodBehaviour = (stream, headers) => {
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'x-echo': headers['x-meta'], 'x-path': headers[':path'] },
    { waitForTrailers: true },
  );
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-te': String(headers['te']) }));
  stream.pipe(stream);
};

export async function startPod(behaviour: PodBehaviour = echo, settings = {}): Promise<TestPodServer> {
  const server = createServer({ settings: { maxConcurrentStreams: 1000, ...settings } });
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => undefined);
  });
  const pod: TestPodServer = {
    port: 0,
    server,
    sessions,
    calls: 0,
    async close() {
      for (const session of sessions) session.destroy();
      if (server.listening) {
        server.close();
        await once(server, 'close');
      }
    },
  };
  server.on('stream', (stream, headers) => {
    pod.calls++;
    stream.on('error', () => undefined);
    behaviour(stream, headers);
  });
  return Object.assign(pod, { port: await listenLocal(server) });
}

/** A caller with one connection to the proxy. */
export class TestCaller {
  readonly session: ClientHttp2Session;

  constructor(port: number) {
    // Above its default of 64 KiB node:http2 would not even send.
    this.session = connect(`http://127.0.0.1:${port}`, { maxSendHeaderBlockLength: 1_000_000 });
    this.session.on('error', () => undefined);
  }

  open(headers: OutgoingHttpHeaders = {}): ReturnType<ClientHttp2Session['request']> {
    return this.session.request({
      ':method': 'POST',
      ':path': '/echo.Echo/Say',
      ':authority': 'backend:8000',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
  }

  call(body: Buffer | string = '', headers: OutgoingHttpHeaders = {}): Promise<TestReply> {
    const stream = this.open(headers);
    stream.end(body);
    return collect(stream);
  }

  async close(): Promise<void> {
    if (this.session.destroyed) return;
    this.session.close();
    await once(this.session, 'close');
  }
}

export function collect(stream: ReturnType<ClientHttp2Session['request']>): Promise<TestReply> {
  return new Promise((resolve) => {
    let headers: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    stream.on('response', (got) => (headers = got));
    stream.on('trailers', (got) => (trailers = got));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => undefined);
    stream.on('close', () =>
      resolve({ headers, trailers, body: Buffer.concat(chunks), resetCode: stream.rstCode ?? 0 }),
    );
  });
}
