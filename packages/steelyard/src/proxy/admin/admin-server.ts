import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import type { Snapshot } from '@steelyard/core/model';
import type { RouteTableOptions } from '@steelyard/core/routing';
import { listenOn } from '../../listen-on.ts';
import type { Logger } from '../../log.ts';
import { formatAddress, type SocketAddress } from '../../net-address.ts';
import { viewClusters } from './admin-clusters.ts';
import { renderConfig } from './admin-config.ts';
import { renderMetrics, type WorkersReport } from '../metrics/metrics-page.ts';
import { EMPTY_REPORT, type ProxyReport } from '../metrics/metrics-report.ts';

/** What the admin port tells of. */
export interface AdminSubject {
  readonly snapshot: Snapshot;
  /** What its calls are routed by besides; absent where its listeners differ in it. */
  readonly routing?: RouteTableOptions;
  report(): Promise<ProxyReport>;
  readonly workers: WorkersReport | undefined;
  /** Why it is not ready at the moment, as a sentence, though it has started. */
  obstacle?(): string | undefined;
  /** More of `/metrics`. */
  moreMetrics?(): string;
}

/** - `starting`: no Snapshot, or not listening yet · `ready` · `draining`: takes nothing new */
export type AdminPhase = 'starting' | 'ready' | 'draining';

export interface AdminOptions {
  readonly listen: SocketAddress;
  /** Somebody asked for the drain by `POST /drain`. */
  readonly onDrain: () => void;
  readonly log: Logger;
}

export interface Admin {
  readonly address: SocketAddress;
  /** From now on `/readyz` says yes. */
  ready(subject: AdminSubject): void;
  /** From now on `/readyz` says no: the first thing to do in a shutdown. */
  draining(): void;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

interface Route {
  readonly method: 'GET' | 'POST';
  readonly answer: (request: IncomingMessage) => Answer | Promise<Answer>;
}

const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';
/** Prometheus, text-based exposition format. */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** A request may take this long to arrive: the port is for a few trusted tools. */
const REQUEST_TIMEOUT_MS = 5000;

/**
 * Starts the admin port. It is plain HTTP without authentication, so it belongs on a loopback address; on any other it
 * shows what it knows to whoever can reach it, but `POST /drain` stays with callers on this machine.
 */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const log = options.log.forComponent('admin');
  const startedAt = Date.now() - performance.now();
  let phase: AdminPhase = 'starting';
  let subject: AdminSubject | undefined;

  const page = async (): Promise<string> => {
    const report = subject === undefined ? EMPTY_REPORT : await subject.report();
    const proxy = renderMetrics({
      report,
      snapshot: subject?.snapshot,
      ready: phase === 'ready' && subject?.obstacle?.() === undefined,
      workers: subject?.workers,
      startedAt,
    });
    return proxy + (subject?.moreMetrics?.() ?? '');
  };

  const drain = (request: IncomingMessage): Answer => {
    if (!isLoopback(request.socket.remoteAddress ?? '')) {
      return text(403, 'a drain can only be asked for from the machine itself (loopback)');
    }
    // A web page that its reader's browser loads can send this request too, but not without naming its origin.
    if (request.headers.origin !== undefined) return text(403, 'a drain cannot be asked for from a web page');
    if (phase === 'starting') return text(503, 'the proxy has not started yet');
    log.info('POST /drain: the proxy drains and ends');
    options.onDrain();
    return text(202, 'draining: the process ends when its calls have ended');
  };

  const routes = new Map<string, Route>([
    ['/livez', { method: 'GET', answer: () => text(200, 'ok') }],
    ['/readyz', { method: 'GET', answer: () => readiness(phase, subject?.obstacle?.()) }],
    ['/metrics', { method: 'GET', answer: async () => ({ status: 200, type: METRICS_TYPE, body: await page() }) }],
    ['/clusters', { method: 'GET', answer: () => clusters(subject) }],
    ['/config', { method: 'GET', answer: () => config(subject) }],
    ['/drain', { method: 'POST', answer: drain }],
  ]);

  const isForeign = (host: string): boolean => isLoopback(address.host) && !isLocalName(host);
  const answerTo = async (request: IncomingMessage): Promise<Answer & { readonly allow?: string }> => {
    if (isForeign(request.headers.host ?? '')) return text(403, 'ask for localhost or the address, by no other name');
    const path = pathOf(request.url ?? '');
    const route = routes.get(path);
    if (route === undefined) return text(404, `there is ${[...routes.keys()].join(', ')}`);
    const { method = '' } = request;
    if (method === route.method || (method === 'HEAD' && route.method === 'GET')) return route.answer(request);
    return { ...text(405, `${path} takes ${route.method}`), allow: route.method };
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    request.resume();
    const { status, type, body, allow } = await answerTo(request);
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      ...(allow !== undefined && { allow }),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };

  const times = { requestTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: REQUEST_TIMEOUT_MS / 5 };
  const server = createServer(times, (request, response) => {
    serve(request, response).catch((error: unknown) => {
      log.error(`${request.url ?? ''} failed`, { error });
      response.destroy();
    });
  });
  const address = await listenOn(server, options.listen);
  if (!isLoopback(address.host)) {
    log.warn(
      `the admin port ${formatAddress(address)} can be reached from other machines and asks for no password: it shows ` +
        'metrics and configuration to whoever reaches it; listen on 127.0.0.1 to keep it to this machine',
    );
  }

  return {
    address,
    ready(started) {
      subject = started;
      if (phase === 'starting') phase = 'ready';
    },
    draining() {
      phase = 'draining';
    },
    close() {
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

/** Without its query, and of a target in absolute form without scheme and authority (RFC 9112 §3.2.2). */
function pathOf(target: string): string {
  return target.replace(/^https?:\/\/[^/?]*/i, '').replace(/\?.*$/, '');
}

function readiness(phase: AdminPhase, obstacle?: string): Answer {
  switch (phase) {
    case 'starting':
      return text(503, 'starting: no Snapshot yet');
    case 'ready':
      return obstacle === undefined ? text(200, 'ok') : text(503, obstacle);
    case 'draining':
      return text(503, 'draining');
    default:
      return phase satisfies never;
  }
}

async function clusters(subject: AdminSubject | undefined): Promise<Answer> {
  if (subject === undefined) return text(503, 'no Snapshot yet');
  return json(JSON.stringify({ clusters: viewClusters(subject.snapshot, await subject.report()) }));
}

function config(subject: AdminSubject | undefined): Answer {
  return subject === undefined ? text(503, 'no Snapshot yet') : json(renderConfig(subject.snapshot, subject.routing));
}

function text(status: number, message: string): Answer {
  return { status, type: TEXT, body: `${message}\n` };
}

function json(body: string): Answer {
  return { status: 200, type: JSON_TYPE, body: `${body}\n` };
}

/**
 * A `host` that a request to a loopback address can honestly have. Any other name is one that somebody made lead here,
 * so that a web page under it could read the answers (DNS rebinding).
 */
function isLocalName(host: string): boolean {
  const name = host.replace(/:\d+$/, '');
  return name === '' || name === 'localhost' || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopback(address: string): boolean {
  const bare = address.replace(/^::ffff:(?=\d+\.)/i, '');
  return loopback.check(bare, isIPv6(bare) ? 'ipv6' : 'ipv4');
}
