import type { Random } from '@steelyard/core/balance';
import { BufferPool, DEFAULT_LIMITS, FieldCache, type Limits } from '@steelyard/http2';
import type { AccessLog } from '../access-log/access-log.ts';
import type { MaxConnectionAge } from '../downstream/connection-age.ts';
import type { Call } from '../calls/call.ts';
import type { ConnectionSettings } from './connection-settings.ts';
import { DeadlineWheel } from '../calls/deadline-wheel.ts';
import { expireCall } from '../calls/expire-call.ts';
import { FlushLoop } from './flush-loop.ts';
import { type CallCounts, createCallCounts } from '../metrics/metrics-calls.ts';
import { TurnClock } from '../metrics/metrics-clock.ts';
import { createTransportCounts, type TransportCounts } from '../metrics/metrics-transport.ts';
import { OwnHealth } from '../downstream/own-health.ts';
import { Ticker } from './ticker.ts';
import type { UpstreamTlsContext } from '../tls/tls-connect.ts';

/** What all connections of a process share. */
export interface Engine {
  readonly fields: FieldCache;
  readonly buffers: BufferPool;
  readonly loop: FlushLoop;
  /** Milliseconds, never going back. */
  readonly now: () => number;
  readonly ticker: Ticker;
  readonly deadlines: DeadlineWheel<Call>;
  readonly random: Random;
  /** Of connections on both sides. */
  readonly limits: Limits;
  /** Of callers' connections. */
  readonly maxAge: MaxConnectionAge | undefined;
  readonly clock: TurnClock;
  readonly calls: CallCounts;
  readonly health: OwnHealth;
  readonly downstream: TransportCounts;
  readonly upstream: TransportCounts;
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
  /** Milliseconds, never going back. Default `performance.now`. */
  readonly now?: (() => number) | undefined;
}

export function createEngine(options: EngineOptions = {}): Engine {
  const { accessLog, upstreamTls, connections = {}, random = Math.random } = options;
  const now = options.now ?? ((): number => performance.now());
  const clock = new TurnClock(now);
  return {
    fields: new FieldCache(),
    buffers: new BufferPool((size) => Buffer.allocUnsafeSlow(size)),
    loop: new FlushLoop(() => clock.expire()),
    now,
    ticker: new Ticker(now),
    deadlines: new DeadlineWheel(now, (call) => {
      clock.expire();
      expireCall(call);
    }),
    random,
    limits: { ...DEFAULT_LIMITS, ...connections.limits },
    maxAge: connections.maxAge,
    clock,
    calls: createCallCounts(clock),
    health: new OwnHealth(),
    downstream: createTransportCounts(),
    upstream: createTransportCounts(),
    accessLog,
    upstreamTls,
  };
}
