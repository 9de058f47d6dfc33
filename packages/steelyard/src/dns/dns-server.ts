import { lookup } from 'node:dns/promises';
import type { Random } from '@steelyard/core/balance';
import type { SnapshotSource } from '@steelyard/core/model';
import type { Logger } from '../log.ts';
import type { SocketAddress } from '../net-address.ts';
import { type AdminServer, startAdminServer } from './admin-server.ts';
import { DnsListenError, systemCode } from './dns-listen-error.ts';
import { DnsMetrics } from './dns-metrics.ts';
import type { Responder } from './responder.ts';
import { createResponder } from './responder.ts';
import type { TcpOptions } from './tcp-listener.ts';
import { listenTcp } from './tcp-listener.ts';
import type { Listener } from './udp-listener.ts';
import { listenUdp } from './udp-listener.ts';
import { Zone } from './zone.ts';

export interface DnsServerOptions {
  readonly snapshots: SnapshotSource;
  /** UDP and TCP; port 0 asks for one that is free in both. */
  readonly listen: SocketAddress;
  /** `cluster.local`, in general the cluster's domain. */
  readonly zone: string;
  /** For how long answers may be kept, negative ones too: 0 to 3600, default 5. */
  readonly ttlSeconds?: number;
  /** Turns the order of addresses. Default `Math.random`. */
  readonly random?: Random;
  readonly log: Logger;
  /** Whether the Snapshots are a whole state yet; before, every name of the zone is SERVFAIL. Default: they are. */
  readonly ready?: () => boolean;
  /** Where `/health`, `/ready` and `/metrics` are answered; nowhere by default. */
  readonly admin?: SocketAddress;
  /** More for `/metrics`, in the text format of Prometheus. */
  readonly moreMetrics?: () => string;
  /** A TCP connection without queries is closed after so long. Default 10 000. */
  readonly tcpIdleTimeoutMs?: number;
}

export interface DnsServer {
  /** What is listened on, the port being the real one. */
  readonly address: SocketAddress;
  readonly adminAddress?: SocketAddress;
  /** Ends all of it at once; a TCP connection may lose an answer under way. */
  close(): Promise<void>;
}

const DEFAULT_TTL_SECONDS = 5;
const DEFAULT_TCP_IDLE_TIMEOUT_MS = 10_000;
const MAX_TCP_CONNECTIONS = 1024;
/** A port that is free in UDP may be taken in TCP; then another one is asked for. */
const FREE_PORT_ATTEMPTS = 20;

/**
 * Starts the DNS of the cluster: A and AAAA for the Services of the newest Snapshot, over UDP and TCP on one port.
 *
 * @throws DnsListenError when it cannot listen there
 * @throws RangeError when `zone` or `ttlSeconds` is none
 */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const log = options.log.forComponent('dns');
  const zone = new Zone(options.zone, options.ttlSeconds ?? DEFAULT_TTL_SECONDS);
  zone.update(options.snapshots.current);
  const ready = options.ready ?? ((): boolean => true);
  const metrics = new DnsMetrics(zone.name);
  const answer = createResponder(zone, options.random ?? Math.random, ready);
  // Counting costs a little of each answer, so it is done only where somebody can read it.
  const respond = options.admin === undefined ? answer : metrics.counting(answer);
  const tcp = {
    idleTimeoutMs: options.tcpIdleTimeoutMs ?? DEFAULT_TCP_IDLE_TIMEOUT_MS,
    maxConnections: MAX_TCP_CONNECTIONS,
  };
  const { host } = options.listen;
  const listeners = await listenBoth(options.listen, respond, tcp, log);
  const admin = await openAdmin(options, ready, () => metrics.render() + (options.moreMetrics?.() ?? '')).catch(
    async (error: unknown) => {
      await Promise.all(listeners.map((listener) => listener.close()));
      throw error;
    },
  );
  // No Snapshot can have come between: subscribing and reading `current` again is one step.
  const unsubscribe = options.snapshots.subscribe((snapshot) => zone.update(snapshot));
  zone.update(options.snapshots.current);
  const address = { host, port: listeners[0].port };
  log.info(`answers for ${zone.name} on ${host}:${address.port}, UDP and TCP`);
  return {
    address,
    ...(admin !== undefined && { adminAddress: admin.address }),
    async close() {
      unsubscribe();
      await admin?.close();
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}

async function openAdmin(
  { admin }: DnsServerOptions,
  ready: () => boolean,
  metrics: () => string,
): Promise<AdminServer | undefined> {
  return admin === undefined ? undefined : startAdminServer({ listen: admin, ready, metrics });
}

async function listenBoth(
  listen: SocketAddress,
  respond: Responder,
  tcp: TcpOptions,
  log: Logger,
): Promise<readonly [Listener, Listener]> {
  const { address, family } = await lookup(listen.host).catch((error: unknown) => {
    throw new DnsListenError(listen, 'UDP', error);
  });
  for (let attempt = 1; ; attempt++) {
    const udp = await listenUdp(address, listen.port, family === 6 ? 6 : 4, respond, log).catch((error: unknown) => {
      throw new DnsListenError(listen, 'UDP', error);
    });
    try {
      return [udp, await listenTcp(address, udp.port, respond, tcp, log)];
    } catch (error) {
      await udp.close();
      const another = listen.port === 0 && systemCode(error) === 'EADDRINUSE' && attempt < FREE_PORT_ATTEMPTS;
      if (!another) throw new DnsListenError({ ...listen, port: udp.port }, 'TCP', error);
    }
  }
}
