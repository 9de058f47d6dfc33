import { randomBytes } from 'node:crypto';
import type { Random } from '@steelyard/core/balance';
import type { SnapshotSource } from '@steelyard/core/model';
import { Histogram } from '../../histogram.ts';
import type { Logger } from '../../log.ts';
import { formatAddress, type SocketAddress } from '../../net-address.ts';
import { startTextServer, type TextAnswer, type TextServer } from '../../text-server.ts';
import type { ForwardOptions } from '../forward/forwarder.ts';
import { startWorkerPool } from '../workers/worker-pool.ts';
import { type NamespaceSource, Zone } from '../zone/zone.ts';
import { createDnsFront, type FrontSettings } from './dns-front.ts';
import { dnsListenError } from './dns-listen-error.ts';
import { type DnsReport, mergeReports } from './dns-report.ts';
import { renderDnsMetrics } from './render-metrics.ts';

export interface DnsServerOptions {
  readonly snapshots: SnapshotSource;
  /** UDP and TCP; port 0 asks for one that is free in both. */
  readonly listen: SocketAddress;
  /** `cluster.local`, in general the cluster's domain. */
  readonly zone: string;
  /** For how long answers may be kept, negative ones too: 0 to 3600, default 5. */
  readonly ttlSeconds?: number;
  /** Turns the order of addresses, where one process answers. Default `Math.random`. */
  readonly random?: Random;
  readonly log: Logger;
  /** The namespaces there are; by default those that have a Service. */
  readonly namespaces?: NamespaceSource;
  /** Whether the Snapshots are a whole state yet; before, every name of the zone is SERVFAIL. Default: they are. */
  readonly ready?: () => boolean;
  /** Where `/health`, `/ready` and `/metrics` are answered; nowhere by default. */
  readonly admin?: SocketAddress;
  /** More for `/metrics`, in the text format of Prometheus. */
  readonly moreMetrics?: () => string;
  /** A TCP connection without queries is closed after so long. Default 10 000. */
  readonly tcpIdleTimeoutMs?: number;
  /** Who is asked for other names; by default they are REFUSED. */
  readonly forward?: ForwardOptions;
  /** Processes that answer, beside this one if they are more than one. Default 1. */
  readonly workers?: number;
  /** Answers a second by UDP to one network, /24 or /56; any number by default. */
  readonly rateLimit?: number;
  /** A line of the log for each query. Default false. */
  readonly queryLog?: boolean;
}

export interface DnsServer {
  /** What is listened on, the port being the real one. */
  readonly address: SocketAddress;
  readonly adminAddress?: SocketAddress;
  /** Endpoints that changed so many seconds ago are in force now (SIG scalability's DNS programming latency). */
  programmed(seconds: number): void;
  /** Ends all of it at once; a TCP connection may lose an answer under way. */
  close(): Promise<void>;
}

const DEFAULT_TTL_SECONDS = 5;
const DEFAULT_TCP_IDLE_TIMEOUT_MS = 10_000;

/** CoreDNS's plugin/kubernetes: from a millisecond on, doubled 19 times. Seconds. */
const PROGRAMMING_BOUNDS = Array.from({ length: 20 }, (_, index) => 0.001 * 2 ** index);

/**
 * Starts the DNS of the cluster: the names of the Services of the newest Snapshot, over UDP and TCP on one port.
 *
 * @throws DnsListenError when it cannot listen there
 * @throws RangeError when `zone` or `ttlSeconds` is none
 */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const log = options.log.forComponent('dns');
  const zone = new Zone(options.zone, options.ttlSeconds ?? DEFAULT_TTL_SECONDS);
  const ready = options.ready ?? ((): boolean => true);
  const programming = new Histogram(PROGRAMMING_BOUNDS);
  const answering = await startAnswering(options, zone, ready, log);
  const address = { host: options.listen.host, port: answering.port };
  const metrics = async (): Promise<string> => {
    const report = mergeReports(await answering.reports());
    return renderDnsMetrics(report, zone.name, programming.report()) + (options.moreMetrics?.() ?? '');
  };
  const admin = await openAdmin(options, ready, metrics).catch(async (error: unknown) => {
    await answering.close();
    throw error;
  });
  log.info(`answers for ${zone.name} on ${formatAddress(address)}, UDP and TCP`);
  return {
    address,
    ...(admin !== undefined && { adminAddress: admin.address }),
    programmed: (seconds) => programming.record(seconds),
    async close() {
      await admin?.close();
      await answering.close();
    },
  };
}

/** Whoever answers, in this process or in others. */
interface Answering {
  readonly port: number;
  reports(): Promise<readonly DnsReport[]>;
  close(): Promise<void>;
}

async function startAnswering(
  options: DnsServerOptions,
  zone: Zone,
  ready: () => boolean,
  log: Logger,
): Promise<Answering> {
  const { snapshots, namespaces, forward, workers = 1, rateLimit, random = Math.random } = options;
  const settings: FrontSettings = {
    listen: options.listen,
    ...(forward !== undefined && { forward }),
    ...(rateLimit !== undefined && { rateLimit: rateLimit / workers }),
    tcpIdleTimeoutMs: options.tcpIdleTimeoutMs ?? DEFAULT_TCP_IDLE_TIMEOUT_MS,
    counted: options.admin !== undefined,
    queryLog: options.queryLog ?? false,
    loopLabel: randomBytes(8).toString('hex'),
    shared: workers > 1,
  };
  const own = { zone, ready, random, log };
  if (workers > 1) {
    // Whoever asks for any port gets one that is free in both now; and what is the matter with a port is said at once.
    const probe = await createDnsFront({ ...withoutForward(settings), shared: false }, own);
    await probe.close();
    const { port } = probe;
    const pool = await startWorkerPool({
      workers,
      zone: zone.name,
      ttlSeconds: zone.ttlSeconds,
      settings: { ...settings, listen: { ...options.listen, port } },
      snapshots,
      ...(namespaces !== undefined && { namespaces }),
      ready,
      log,
    });
    return { port, ...pool };
  }
  zone.update(snapshots.current);
  const front = await createDnsFront(settings, own);
  // No Snapshot can have come between: subscribing and reading `current` again is one step.
  const unsubscribe = snapshots.subscribe((snapshot) => zone.update(snapshot));
  zone.update(snapshots.current);
  const setNamespaces = (): void => zone.setNamespaces(namespaces?.current ?? new Set());
  const leave = namespaces?.subscribe(setNamespaces);
  setNamespaces();
  return {
    port: front.port,
    reports: () => Promise.resolve([front.report()]),
    close() {
      unsubscribe();
      leave?.();
      return front.close();
    },
  };
}

function withoutForward({ forward: _forward, ...rest }: FrontSettings): FrontSettings {
  return rest;
}

/** `/health`, `/ready` and `/metrics`, where CoreDNS has them; `/livez` and `/readyz` too, as the proxy has them. */
async function openAdmin(
  { admin }: DnsServerOptions,
  ready: () => boolean,
  metrics: () => Promise<string>,
): Promise<TextServer | undefined> {
  if (admin === undefined) return undefined;
  const healthAnswer = (): TextAnswer => [200, 'OK\n'];
  const readyAnswer = (): TextAnswer => (ready() ? [200, 'OK\n'] : [503, 'the API server has not been heard yet\n']);
  try {
    return await startTextServer(admin, {
      '/health': healthAnswer,
      '/livez': healthAnswer,
      '/ready': readyAnswer,
      '/readyz': readyAnswer,
      '/metrics': async () => [200, await metrics()],
    });
  } catch (error) {
    throw dnsListenError(admin, 'TCP', error);
  }
}
