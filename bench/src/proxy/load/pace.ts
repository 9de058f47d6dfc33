import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

interface Pace {
  readonly tickMs: number;
  /** Whether a tick is not dealt with yet; whether to end. */
  readonly state: SharedArrayBuffer;
}

export function isPace(value: unknown): value is Pace {
  return typeof value === 'object' && value !== null && 'tickMs' in value && 'state' in value;
}

/** Calls `onTick` every `tickMs` milliseconds, which may be a fraction of one. Returns what ends it. */
export function startPace(tickMs: number, onTick: () => void): () => Promise<void> {
  const pace: Pace = { tickMs, state: new SharedArrayBuffer(8) };
  const state = new Int32Array(pace.state);
  const worker = new Worker(join(import.meta.dirname, 'pace-main.js'), { workerData: pace });
  worker.on('message', () => {
    Atomics.store(state, 0, 0);
    onTick();
  });
  return async () => {
    Atomics.store(state, 1, 1);
    await worker.terminate();
  };
}
