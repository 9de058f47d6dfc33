import { type ClientHttp2Session, connect } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { type ApiChannel, readBody, toFailure } from './api-channel.ts';
import { type ApiRequest, type ApiResponse, ConnectionFailure } from './api-transport.ts';

export interface Liveness {
  /** A PING is sent when nothing was read for so long. */
  readonly pingAfterMs: number;
  /** The connection is dead when the PING is not answered for so long. */
  readonly pingTimeoutMs: number;
}

/** Node's default of 64 KiB makes a list of thousands of objects wait for the round trip again and again. */
const STREAM_WINDOW = 1 << 20;
const CONNECTION_WINDOW = 1 << 24;

/** All requests over one connection, watches included, as client-go has it. */
export function createHttp2Channel(origin: string, socket: TLSSocket, liveness: Liveness): ApiChannel {
  const session = connect(origin, {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: STREAM_WINDOW },
  });
  session.on('error', () => undefined);
  session.once('connect', () => session.setLocalWindowSize(CONNECTION_WINDOW));
  session.once('close', () => socket.destroy());
  watchLiveness(session, socket, liveness);
  return {
    get closed() {
      return session.closed || session.destroyed;
    },
    request: (request, headers) => requestOver(session, request, headers),
    close() {
      session.destroy();
      // A session that the server was about to close leaves its socket open, and nobody reads from it any more.
      socket.destroy();
    },
  };
}

/** A half-open connection looks like a quiet one; only a PING tells them apart (client-go: 30 s and 15 s). */
function watchLiveness(session: ClientHttp2Session, socket: TLSSocket, liveness: Liveness): void {
  let bytesRead = socket.bytesRead;
  let pinging: NodeJS.Timeout | undefined;
  const timer = setInterval(() => {
    if (socket.bytesRead !== bytesRead || pinging !== undefined) {
      bytesRead = socket.bytesRead;
      return;
    }
    if (session.destroyed) return;
    pinging = setTimeout(() => {
      session.destroy(new ConnectionFailure('the connection is dead: a PING was not answered'));
    }, liveness.pingTimeoutMs);
    session.ping(() => {
      clearTimeout(pinging);
      pinging = undefined;
      bytesRead = socket.bytesRead;
    });
  }, liveness.pingAfterMs);
  session.once('close', () => {
    clearInterval(timer);
    clearTimeout(pinging);
  });
}

function requestOver(
  session: ClientHttp2Session,
  { path, accept, signal }: ApiRequest,
  headers: Readonly<Record<string, string>>,
): Promise<ApiResponse> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(toFailure(error));
    if (session.destroyed || session.closed) {
      fail(new Error('the connection was closed'));
      return;
    }
    const stream = session.request({ ...headers, ':method': 'GET', ':path': path, accept }, { signal });
    stream.on('error', fail);
    stream.once('close', () => fail(new Error('the stream was closed before an answer')));
    stream.once('response', (head) => {
      const retryAfter = head['retry-after'];
      resolve({
        status: head[':status'] ?? 0,
        ...(typeof retryAfter === 'string' && { retryAfter }),
        body: readBody(stream),
      });
    });
  });
}
