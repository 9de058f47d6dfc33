import { lookup } from 'node:dns/promises';
import { randomInt } from 'node:crypto';
import type { Random } from '@steelyard/core/balance';
import type { Logger } from '../../log.ts';
import type { SocketAddress } from '../../net-address.ts';
import { createResponder, type Responder } from '../answer/responder.ts';
import { createForwarder, type ForwardOptions } from '../forward/forwarder.ts';
import type { Zone } from '../zone/zone.ts';
import { dnsListenError, systemCode } from './dns-listen-error.ts';
import { DnsMetrics } from './dns-metrics.ts';
import type { DnsReport } from './dns-report.ts';
import { logQueries } from './query-log.ts';
import { ResponseRate } from './response-rate.ts';
import { listenTcp } from './tcp-listener.ts';
import { type Listener, listenUdp } from './udp-listener.ts';

/** What holds in every process that answers; it can be sent to another one. */
export interface FrontSettings {
  readonly listen: SocketAddress;
  /** Names that are not the zone's; absent: REFUSED. */
  readonly forward?: ForwardOptions;
  /** Answers a second by UDP to one /24 (IPv6: /56), in this process; absent: any number. */
  readonly rateLimit?: number;
  readonly tcpIdleTimeoutMs: number;
  /** Whether somebody can read what is counted. */
  readonly counted: boolean;
  readonly queryLog: boolean;
  readonly loopLabel: string;
  /** Whether processes of a cluster share the sockets. */
  readonly shared: boolean;
}

export interface FrontDependencies {
  readonly zone: Zone;
  readonly ready: () => boolean;
  readonly random: Random;
  readonly log: Logger;
  readonly onLoop?: () => void;
}

/** The sockets of one process and what answers at them. */
export interface DnsFront {
  /** Of UDP and TCP. */
  readonly port: number;
  report(): DnsReport;
  /** See {@link Forwarder.looped}. */
  looped(): void;
  close(): Promise<void>;
}

/** Over both families a machine can have more; this is memory, not a promise. */
const MAX_TCP_CONNECTIONS = 1024;
/** A port that is free in UDP may be taken in TCP; then another one is asked for. */
const FREE_PORT_ATTEMPTS = 20;

/** @throws DnsListenError when it cannot listen there */
export async function createDnsFront(settings: FrontSettings, dependencies: FrontDependencies): Promise<DnsFront> {
  const { zone, ready, random, log, onLoop } = dependencies;
  const forwarder =
    settings.forward &&
    createForwarder(settings.forward, {
      // What an answer must guess is not left to Math.random.
      random: () => randomInt(0x1_0000_0000) / 0x1_0000_0000,
      now: () => performance.now(),
      log,
      loopLabel: settings.loopLabel,
      ...(onLoop !== undefined && { onLoop }),
    });
  const answer = createResponder({
    zone,
    random,
    ready,
    ...(forwarder !== undefined && { forward: forwarder.forward }),
  });
  const metrics = new DnsMetrics();
  // Counting costs a little of each answer, so it is done only where somebody can read it.
  const counted = settings.counted ? metrics.counting(answer) : answer;
  const respond = settings.queryLog ? logQueries(counted, log) : counted;
  const rate = settings.rateLimit === undefined ? undefined : new ResponseRate(settings.rateLimit, random);
  const listeners = await listenBoth(settings, respond, rate, log).catch((error: unknown) => {
    forwarder?.close();
    throw error;
  });
  return {
    port: listeners[0].port,
    report: () => ({
      metrics: metrics.report(),
      forwards: forwarder === undefined ? [] : [forwarder.report()],
      limited: rate?.limited ?? 0,
    }),
    looped: () => forwarder?.looped(),
    async close() {
      forwarder?.close();
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}

async function listenBoth(
  { listen, shared, tcpIdleTimeoutMs }: FrontSettings,
  respond: Responder,
  rate: ResponseRate | undefined,
  log: Logger,
): Promise<readonly [Listener, Listener]> {
  const { address, family } = await lookup(listen.host).catch((error: unknown) => {
    throw dnsListenError(listen, 'UDP', error);
  });
  const common = { address, respond, shared, log };
  for (let attempt = 1; ; attempt++) {
    const udp = await listenUdp({
      ...common,
      port: listen.port,
      family: family === 6 ? 6 : 4,
      ...(rate !== undefined && { rate }),
    }).catch((error: unknown) => {
      throw dnsListenError(listen, 'UDP', error);
    });
    try {
      const limits = { idleTimeoutMs: tcpIdleTimeoutMs, maxConnections: MAX_TCP_CONNECTIONS };
      return [udp, await listenTcp({ ...common, ...limits, port: udp.port })];
    } catch (error) {
      await udp.close();
      const another = listen.port === 0 && systemCode(error) === 'EADDRINUSE' && attempt < FREE_PORT_ATTEMPTS;
      if (!another) throw dnsListenError({ ...listen, port: udp.port }, 'TCP', error);
    }
  }
}
