import { BufferPool, FieldCache } from '@steelyard/http2';
import type { AccessLog } from './access-log.ts';
import { FlushLoop } from './flush-loop.ts';
import { type CallCounts, createCallCounts } from './metrics-calls.ts';
import { TurnClock } from './metrics-clock.ts';
import { createTransportCounts, type TransportCounts } from './metrics-transport.ts';
import { Ticker } from './ticker.ts';

/** What all connections of a process share. */
export interface Engine {
  readonly fields: FieldCache;
  readonly buffers: BufferPool;
  readonly loop: FlushLoop;
  /** Milliseconds, never going back. */
  readonly now: () => number;
  readonly ticker: Ticker;
  readonly clock: TurnClock;
  readonly calls: CallCounts;
  readonly downstream: TransportCounts;
  readonly upstream: TransportCounts;
  /** Absent: nothing is logged of calls, and nothing is done towards it. */
  readonly accessLog: AccessLog | undefined;
}

export interface EngineOptions {
  readonly accessLog?: AccessLog | undefined;
}

export function createEngine({ accessLog }: EngineOptions = {}): Engine {
  const now = (): number => performance.now();
  const clock = new TurnClock(now);
  return {
    fields: new FieldCache(),
    buffers: new BufferPool((size) => Buffer.allocUnsafeSlow(size)),
    loop: new FlushLoop(() => clock.expire()),
    now,
    ticker: new Ticker(now),
    clock,
    calls: createCallCounts(clock),
    downstream: createTransportCounts(),
    upstream: createTransportCounts(),
    accessLog,
  };
}
