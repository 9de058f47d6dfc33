import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import { listenLocal } from './listen-local.ts';
import { TEST_CERTIFICATE, TEST_KEY } from './fake-api-server-certificate.ts';
import { answerRead, type FakeAnswer, type FakeRequest } from './fake-api-server-reads.ts';
import { FakeStore } from './fake-api-server-store.ts';
import { forwardApiRequests } from './forward-api-requests.ts';

/** What goes wrong with a request instead of its being answered. */
export type FakeFault =
  /** A Status object; of a watch this is the answer's own code. */
  | { readonly is: 'status'; readonly status: number; readonly message?: string; readonly retryAfter?: number }
  /** 200, then an ERROR event. */
  | { readonly is: 'error-event'; readonly status: number; readonly message: string }
  /** Taken, never answered. */
  | { readonly is: 'silence' }
  /** The connection is reset, in the middle of the answer if it has one. */
  | { readonly is: 'reset' }
  /** Answered with what is no JSON. */
  | { readonly is: 'garbage' }
  /** 200, and the end of the stream. */
  | { readonly is: 'end' };

export interface FakeApiServerOptions {
  /** TLS with HTTP/2 and HTTP/1.1, TLS with HTTP/1.1 only, or neither. */
  readonly transport?: 'h2' | 'https' | 'http';
  /** Whether `sendInitialEvents` is understood (KEP-3157). Default true. */
  readonly watchList?: boolean;
  /** Requests are passed on to the API server with TLS on this port of the machine, unless a fault befalls them. */
  readonly upstream?: () => number;
}

/** An API server in this process, with the semantics that lists and watches rest on. */
export interface FakeApiServer {
  readonly store: FakeStore;
  readonly url: string;
  /** All there were, the newest last. */
  readonly requests: readonly FakeRequest[];
  /** Looks at each request; what it returns happens to it. */
  fault: ((request: FakeRequest) => FakeFault | undefined) | undefined;
  /** Watches under way get nothing more, while the state goes on: what a dead middlebox does. */
  muted: boolean;
  /** How many connections there were. */
  readonly connections: number;
  /** Tells every watch that asked for it the version reached. */
  bookmark(): void;
  /** The proper end of every watch under way, as at their `timeoutSeconds`. */
  endWatches(): void;
  /** TCP resets. */
  resetConnections(): void;
  /** Nobody listens any more. */
  stop(): Promise<void>;
  /** On the same port, with the same state. */
  start(): Promise<void>;
}

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

export async function startFakeApiServer(options: FakeApiServerOptions = {}): Promise<FakeApiServer> {
  const store = new FakeStore();
  const transport = options.transport ?? 'h2';
  const requests: FakeRequest[] = [];
  const sockets = new Set<Socket>();
  const answers = new Set<FakeAnswer>();
  let server: Server | ReturnType<typeof createSecureServer> | undefined;
  let port = 0;
  let connections = 0;
  const forward = options.upstream === undefined ? undefined : forwardApiRequests(options.upstream);

  const onRequest = (request: Request, response: Response): void => {
    const url = new URL(request.url ?? '/', 'http://fake');
    const seen: FakeRequest = {
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      httpVersion: request.httpVersion,
    };
    requests.push(seen);
    const answer: FakeAnswer = {
      head(status, headers = {}) {
        // It may have been ended from outside meanwhile.
        if (response.headersSent || response.writableEnded) return;
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        if ('flushHeaders' in response) response.flushHeaders();
      },
      write(text) {
        if (!fake.muted && !response.writableEnded) (response as NodeJS.WritableStream).write(text);
      },
      end: () => void response.end(),
      bookmark: () => undefined,
      onEnd: () => undefined,
    };
    answers.add(answer);
    response.once('close', () => {
      answers.delete(answer);
      answer.onEnd();
    });
    const fault = fake.fault?.(seen);
    if (fault === undefined && forward !== undefined) forward(seen, answer, () => request.socket.destroy());
    else if (fault === undefined) answerRead(store, seen, answer, options.watchList ?? true);
    else applyFault(fault, answer, () => request.socket.destroy());
  };

  const listen = async (): Promise<void> => {
    server =
      transport === 'http'
        ? createServer(onRequest)
        : createSecureServer(
            { key: TEST_KEY, cert: TEST_CERTIFICATE, allowHTTP1: true, ...alpn(transport) },
            onRequest,
          );
    server.on('connection', (socket: Socket) => {
      connections++;
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => sockets.delete(socket));
    });
    // Above a socket that was reset its TLS would stay for ever.
    server.on('secureConnection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => sockets.delete(socket));
    });
    port = await listenLocal(server, port);
  };

  const fake: FakeApiServer = {
    store,
    requests,
    fault: undefined,
    muted: false,
    get url() {
      return `${transport === 'http' ? 'http' : 'https'}://127.0.0.1:${port}`;
    },
    get connections() {
      return connections;
    },
    bookmark: () => {
      for (const answer of answers) answer.bookmark();
    },
    endWatches: () => {
      for (const answer of answers) answer.end();
    },
    resetConnections: () => resetAll(sockets),
    async stop() {
      const closing = server;
      if (closing === undefined) return;
      server = undefined;
      const closed = once(closing, 'close');
      closing.close();
      resetAll(sockets);
      await closed;
    },
    start: listen,
  };
  await listen();
  return fake;
}

/** Only TCP knows resets; what lies above it goes with it. */
function resetAll(sockets: ReadonlySet<Socket>): void {
  for (const socket of sockets) {
    if ('encrypted' in socket) socket.destroy();
    else socket.resetAndDestroy();
  }
}

function alpn(transport: 'h2' | 'https'): { ALPNProtocols?: string[] } {
  return transport === 'https' ? { ALPNProtocols: ['http/1.1'] } : {};
}

function applyFault(fault: FakeFault, answer: FakeAnswer, reset: () => void): void {
  switch (fault.is) {
    case 'status': {
      answer.head(fault.status, fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) });
      const { status, message = 'a fault' } = fault;
      answer.write(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code: status }));
      answer.end();
      break;
    }
    case 'error-event': {
      answer.head(200);
      const { status, message } = fault;
      const object = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code: status };
      answer.write(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      answer.end();
      break;
    }
    case 'silence':
      break;
    case 'reset':
      reset();
      break;
    case 'garbage':
      answer.head(200);
      answer.write('<html>a proxy in between</html>\n');
      answer.end();
      break;
    case 'end':
      answer.head(200);
      answer.end();
      break;
    default:
      fault satisfies never;
  }
}
