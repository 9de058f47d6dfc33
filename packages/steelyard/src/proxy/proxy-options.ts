import type { Random } from '@steelyard/core/balance';
import type { SnapshotSource } from '@steelyard/core/model';
import type { AddressedService } from '@steelyard/core/routing';
import type { Logger } from '../log.ts';
import type { SocketAddress } from '../net-address.ts';
import type { AccessLogSelection } from './access-log/access-log.ts';
import type { AccessLogSink } from './access-log/access-log-sink.ts';
import type { ConnectionSettings } from './transport/connection-settings.ts';
import type { WorkersReport } from './metrics/metrics-page.ts';
import type { ProxyReport } from './metrics/metrics-report.ts';
import type { Source } from './tls/tls-follow.ts';
import type { ServerTls, UpstreamTls } from './tls/tls-settings.ts';

export interface ProxyOptions extends ServingOptions {
  readonly listen: SocketAddress;
  /** The Service meant when a call's `:authority` names none. */
  readonly service?: AddressedService | undefined;
}

/** Of the system, by number. */
export interface WorkerUser {
  readonly uid: number;
  readonly gid: number;
}

/** Of a proxy wherever it listens. */
export interface ServingOptions {
  readonly snapshots: SnapshotSource;
  /** Short names in `:authority` are of this namespace. */
  readonly namespace: string;
  readonly log: Logger;
  /** Of the choices made in this process; worker processes use their own. */
  readonly random?: Random | undefined;
  /** Processes that the calls are spread over. Default 1: this one. */
  readonly workers?: number | undefined;
  /** Whose processes those are; then there is at least one beside this. Absent: this process's user. */
  readonly workerUser?: WorkerUser | undefined;
  /** Of callers' connections. Absent: plain text, HTTP/2 with prior knowledge. */
  readonly tls?: Source<ServerTls> | undefined;
  /** Of connections to pods. Absent: plain text. */
  readonly upstreamTls?: Source<UpstreamTls> | undefined;
  /** Limits and ages of connections. Absent: the defaults. */
  readonly connections?: ConnectionSettings | undefined;
  /** Absent: nothing is logged of calls. */
  readonly accessLog?: { readonly selection: AccessLogSelection; readonly sink: AccessLogSink } | undefined;
}

export interface Proxy extends Serving {
  readonly address: SocketAddress;
}

/** What serves connections, wherever they were accepted. */
export interface Serving {
  /** What was counted since the start. */
  report(): Promise<ProxyReport>;
  /** Of a proxy with several processes. */
  readonly workers: WorkersReport | undefined;
  /** Goes on as before, but grpc.health.v1 says NOT_SERVING: the first thing to do in a shutdown. */
  leaving(): void;
  /** Takes no new connections or calls, lets those under way finish for at most `timeoutMs`, then closes. */
  drain(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}
