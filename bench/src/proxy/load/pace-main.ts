/**
 * A clock that ticks finer than the timers of the event loop: a thread that sleeps for `tickMs` and then wakes the one that
 * started it, unless that has not dealt with the last tick yet.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { isPace } from './pace.ts';

const pace: unknown = workerData;
if (!isPace(pace)) throw new Error('started without a pace');
const state = new Int32Array(pace.state);
const never = new Int32Array(new SharedArrayBuffer(4));
while (Atomics.load(state, 1) === 0) {
  Atomics.wait(never, 0, 0, pace.tickMs);
  if (Atomics.exchange(state, 0, 1) === 0) parentPort?.postMessage(0, []);
}
