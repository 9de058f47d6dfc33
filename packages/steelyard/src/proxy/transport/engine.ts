import type { Random } from '@steelyard/core/balance';
import { BufferPool, DEFAULT_LIMITS, FieldCache, type Limits } from '@steelyard/http2';
import type { Logger } from '../../log.ts';
import type { AccessLog } from '../access-log/access-log.ts';
import type { MaxConnectionAge } from '../downstream/connection-age.ts';
import type { ConnectionSettings } from './connection-settings.ts';
import { DeadlineWheel, type Due } from '../calls/deadline-wheel.ts';
import { HeldHeads } from '../calls/held-heads.ts';
import { FlushLoop } from './flush-loop.ts';
import { type CallCounts, createCallCounts } from '../metrics/metrics-calls.ts';
import { TurnClock } from '../metrics/metrics-clock.ts';
import { createTransportCounts, type TransportCounts } from '../metrics/metrics-transport.ts';
import { MemoryGuard } from './memory-guard.ts';
import { PeerFaults } from './peer-faults.ts';
import { ReadBuffer } from './read-buffer.ts';
import { OwnHealth } from '../downstream/own-health.ts';
import { Ticker } from './ticker.ts';
import type { UpstreamTlsContext } from '../tls/tls-connect.ts';

/** What all connections of a process share. */
export interface Engine {
  readonly fields: FieldCache;
  readonly buffers: BufferPool;
  readonly readBuffer: ReadBuffer;
  readonly loop: FlushLoop;
  /** Milliseconds, never going back. */
  readonly now: () => number;
  readonly ticker: Ticker;
  readonly deadlines: DeadlineWheel<Due>;
  readonly holds: HeldHeads;
  readonly random: Random;
  /** Of connections on both sides. */
  readonly limits: Limits;
  readonly memory: MemoryGuard;
  /** Of callers' connections. */
  readonly maxAge: MaxConnectionAge | undefined;
  readonly clock: TurnClock;
  readonly calls: CallCounts;
  readonly health: OwnHealth;
  readonly downstream: TransportCounts;
  readonly upstream: TransportCounts;
  readonly callerFaults: PeerFaults;
  readonly podFaults: PeerFaults;
  /** Never spoken to on the path of a call. */
  readonly log: Logger;
  /** Absent: nothing is logged of calls, and nothing is done towards it. */
  readonly accessLog: AccessLog | undefined;
  /** Of connections to pods. Absent: plain text. */
  upstreamTls: UpstreamTlsContext | undefined;
}

export interface EngineOptions {
  readonly accessLog?: AccessLog | undefined;
  readonly upstreamTls?: UpstreamTlsContext | undefined;
  readonly connections?: ConnectionSettings | undefined;
  /** Default `Math.random`. */
  readonly random?: Random | undefined;
  /** Default: nothing is said. */
  readonly log?: Logger | undefined;
  /** Milliseconds, never going back. Default `performance.now`. */
  readonly now?: (() => number) | undefined;
}

export function createEngine(options: EngineOptions = {}): Engine {
  const { accessLog, upstreamTls, connections = {}, random = Math.random, log = SILENT } = options;
  const now = options.now ?? ((): number => performance.now());
  const clock = new TurnClock(now);
  const loop = new FlushLoop(() => clock.expire());
  const deadlines = new DeadlineWheel<Due>(now, (subject) => {
    clock.expire();
    subject.due();
  });
  const limits = { ...DEFAULT_LIMITS, ...connections.limits };
  return {
    fields: new FieldCache(),
    buffers: new BufferPool((size) => Buffer.allocUnsafeSlow(size)),
    readBuffer: new ReadBuffer(),
    loop,
    now,
    ticker: new Ticker(now),
    deadlines,
    holds: new HeldHeads(loop, deadlines),
    random,
    limits,
    memory: new MemoryGuard(limits.maxProcessLength),
    maxAge: connections.maxAge,
    clock,
    calls: createCallCounts(clock),
    health: new OwnHealth(),
    downstream: createTransportCounts(),
    upstream: createTransportCounts(),
    // Anybody may be a caller, and do anything; with a pod something is wrong.
    callerFaults: new PeerFaults({
      connection: 'the connection of',
      stream: 'a call of',
      say: (message) => log.debug(message),
      now,
    }),
    podFaults: new PeerFaults({
      connection: 'the connection to',
      stream: 'a call to',
      say: (message) => log.warn(message),
      now,
    }),
    log,
    accessLog,
    upstreamTls,
  };
}

const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  forComponent: () => SILENT,
};
