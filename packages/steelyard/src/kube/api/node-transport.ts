import { isIP } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { ApiChannel } from './api-channel.ts';
import type { ApiRequest, ApiResponse, ApiTransport } from './api-transport.ts';
import { ConnectionFailure } from './api-transport.ts';
import type { ClusterAccess } from './cluster-access.ts';
import { createHttp1Channel } from './http1-channel.ts';
import { createHttp2Channel, type Liveness } from './http2-channel.ts';
import { openTunnel } from './proxy-tunnel.ts';

/** client-go (transport/cache.go) takes 30 and 15 s; so long nobody would hear of a change over a half-open connection. */
const LIVENESS: Liveness = { pingAfterMs: 5000, pingTimeoutMs: 5000 };
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Requests to the API server over one HTTP/2 connection where TLS agrees on it (RFC 7301), else over HTTP/1.1.
 * An answer of 401 is asked for once more with fresh credentials.
 */
export function createNodeTransport(access: ClusterAccess, liveness: Liveness = LIVENESS): ApiTransport {
  const server = new URL(access.server);
  // Where the API server lies behind a path, as with some hosted ones.
  const basePath = server.pathname.replace(/\/$/, '');
  let channel: { readonly opening: Promise<ApiChannel>; opened?: ApiChannel } | undefined;
  let closed = false;

  /** Requests that come while a connection is being made share it. */
  const open = (): Promise<ApiChannel> => {
    if (channel !== undefined && channel.opened?.closed !== true) return channel.opening;
    const next: NonNullable<typeof channel> = { opening: openChannel(server, access, liveness) };
    channel = next;
    const settle = async (): Promise<void> => {
      try {
        next.opened = await next.opening;
        if (closed) next.opened.close();
      } catch {
        if (channel === next) channel = undefined;
      }
    };
    void settle();
    return next.opening;
  };
  const send = async (request: ApiRequest): Promise<ApiResponse> => {
    const headers = await access.credentials.headers();
    const over = await open();
    return over.request({ ...request, path: basePath + request.path }, headers);
  };

  return {
    async request(request) {
      const answer = await send(request);
      if (answer.status !== 401) return answer;
      access.credentials.invalidate();
      await discard(answer);
      // A client certificate belongs to the connection.
      const { cert } = await access.credentials.tls();
      if (cert !== undefined) channel?.opened?.close();
      return send(request);
    },
    close() {
      closed = true;
      channel?.opened?.close();
    },
  };
}

async function discard(answer: ApiResponse): Promise<void> {
  try {
    for await (const chunk of answer.body) if (chunk.length === 0) break;
  } catch {
    // What matters is its status.
  }
}

async function openChannel(server: URL, access: ClusterAccess, liveness: Liveness): Promise<ApiChannel> {
  if (server.protocol === 'http:') return createHttp1Channel(server.origin, undefined, undefined);
  const host = server.hostname.replaceAll(/[[\]]/g, '');
  const servername = access.tlsServerName ?? (isIP(host) === 0 ? host : undefined);
  const tls: ConnectionOptions = {
    ...(await access.credentials.tls()),
    ...(access.ca !== undefined && { ca: access.ca }),
    ...(servername !== undefined && { servername }),
    rejectUnauthorized: !access.insecureSkipTlsVerify,
  };
  const port = server.port === '' ? 443 : Number(server.port);
  const dial = async (protocols: string[]): Promise<TLSSocket> => {
    const options = { ...tls, host, port, ALPNProtocols: protocols };
    if (access.proxy === undefined) return connectTls(options, server.host);
    const tunnel = await openTunnel(access.proxy, host, port, CONNECT_TIMEOUT_MS);
    return connectTls({ ...options, socket: tunnel }, server.host);
  };
  const socket = await dial(['h2', 'http/1.1']);
  if (socket.alpnProtocol === 'h2') return createHttp2Channel(server.origin, socket, liveness);
  socket.destroy();
  return createHttp1Channel(server.origin, tls, access.proxy && (() => dial(['http/1.1'])));
}

function connectTls(options: ConnectionOptions, place: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect(options);
    const fail = (reason: string, cause?: unknown): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new ConnectionFailure(`cannot reach the API server at ${place}: ${reason}`, { cause }));
    };
    const timer = setTimeout(() => fail('it does not answer'), CONNECT_TIMEOUT_MS);
    // Stays: later errors are the channel's to see by the closing, and must not be nobody's.
    socket.on('error', (error) => fail(error.message, error));
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}
