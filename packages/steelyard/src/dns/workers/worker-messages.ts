import type { LogMessage } from '../../worker-log.ts';
import type { DnsListenErrorCode } from '../server/dns-listen-error.ts';
import type { DnsReport } from '../server/dns-report.ts';
import type { FrontSettings } from '../server/dns-front.ts';
import type { ZoneChange } from '../zone/zone.ts';

/** To a process that answers. */
export type ToWorker =
  | { readonly kind: 'start'; readonly zone: string; readonly ttlSeconds: number }
  | { readonly kind: 'zone'; readonly change: ZoneChange; readonly ready: boolean }
  | { readonly kind: 'namespaces'; readonly names: ReadonlySet<string> }
  /** The zone is whole. */
  | { readonly kind: 'listen'; readonly settings: FrontSettings }
  | { readonly kind: 'report' }
  | { readonly kind: 'looped' }
  | { readonly kind: 'close' };

/** From a process that answers. */
export type FromWorker =
  /** It listens to messages from now on: node:cluster lets earlier ones go by. */
  | { readonly kind: 'up' }
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'failed'; readonly code: DnsListenErrorCode; readonly message: string }
  | { readonly kind: 'report'; readonly report: DnsReport }
  | { readonly kind: 'looped' }
  | LogMessage;

/** The channel carries only our own processes' messages, so the kind is proof enough of the rest. */
export function isToWorker(value: unknown): value is ToWorker {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

/** As {@link isToWorker}, for the other direction. */
export function isFromWorker(value: unknown): value is FromWorker {
  return typeof value === 'object' && value !== null && 'kind' in value;
}
