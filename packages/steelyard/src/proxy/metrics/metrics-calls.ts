import type { TurnClock } from './metrics-clock.ts';
import { MethodTable } from './metrics-methods.ts';

/** The counts of all calls of a process, and the clock they are timed by. Nothing is allocated for a call. */
export interface CallCounts {
  readonly clock: TurnClock;
  readonly methods: MethodTable;
}

export function createCallCounts(clock: TurnClock): CallCounts {
  return { clock, methods: new MethodTable() };
}
