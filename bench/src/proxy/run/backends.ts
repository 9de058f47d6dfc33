import type { Pin } from '../../cpus.ts';
import { startChannelProcess } from './channel-process.ts';

const LIMIT_MS = 15_000;

/** The backends of a run: each a port of 127.0.0.1, all in one process. */
export interface Backends {
  readonly ports: readonly number[];
  /** Calls that each has had so far. */
  counts(): Promise<readonly number[]>;
  stop(): Promise<void>;
}

export async function startBackends(count: number, pin: Pin): Promise<Backends> {
  const child = startChannelProcess('backend/backend-main.js', [String(count)], pin);
  return {
    ports: numbers(await child.greeting, count),
    counts: async () => numbers(await child.request({}, LIMIT_MS), count),
    stop: () => child.stop(),
  };
}

function numbers(value: unknown, count: number): readonly number[] {
  if (!Array.isArray(value)) throw new Error('the backends said something else than numbers');
  const found = value.filter((each): each is number => typeof each === 'number');
  if (found.length !== count) throw new Error(`the backends said ${found.length} numbers, not ${count}`);
  return found;
}
