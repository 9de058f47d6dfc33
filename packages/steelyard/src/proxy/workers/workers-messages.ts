import type { LogMessage } from '../../worker-log.ts';
import type { AccessLogSelection } from '../access-log/access-log.ts';
import type { ConnectionSettings } from '../transport/connection-settings.ts';
import type { Entrance } from '../routing/entrance.ts';
import type { ProxyReport } from '../metrics/metrics-report.ts';
import type { ServerTls, UpstreamTls } from '../tls/tls-settings.ts';
import type { SnapshotDelta } from './workers-snapshot.ts';

/** The first message to a worker process. */
export interface StartWorker {
  readonly kind: 'start';
  readonly snapshot: SnapshotDelta;
  readonly entrance: Entrance | undefined;
  readonly namespace: string;
  readonly accessLog: AccessLogSelection | undefined;
  readonly tls: ServerTls | undefined;
  readonly upstreamTls: UpstreamTls | undefined;
  readonly connections: ConnectionSettings | undefined;
}

/** To a worker process. A `connection` carries the accepted socket. */
export type ToWorker =
  | StartWorker
  | { readonly kind: 'snapshot'; readonly delta: SnapshotDelta }
  | { readonly kind: 'tls'; readonly tls: ServerTls }
  | { readonly kind: 'upstream-tls'; readonly tls: UpstreamTls }
  | { readonly kind: 'connection'; readonly entrance: Entrance }
  | { readonly kind: 'report' }
  | { readonly kind: 'leaving' }
  | { readonly kind: 'drain'; readonly timeoutMs: number };

/** From a worker process. */
export type FromWorker =
  /** It takes connections. */
  | { readonly kind: 'ready' }
  /** So many of its connections have closed since it last said so. */
  | { readonly kind: 'closed'; readonly count: number }
  | { readonly kind: 'report'; readonly report: ProxyReport }
  /** All is done; what it counted up to the end. */
  | { readonly kind: 'drained'; readonly report: ProxyReport }
  | { readonly kind: 'access'; readonly lines: string }
  | LogMessage;

/** The channel carries only our own processes' messages, so the kind is proof enough of the rest. */
export function isToWorker(value: unknown): value is ToWorker {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

/** As {@link isToWorker}, for the other direction. */
export function isFromWorker(value: unknown): value is FromWorker {
  return typeof value === 'object' && value !== null && 'kind' in value;
}
