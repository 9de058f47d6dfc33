import type { Random } from '@steelyard/core/balance';
import type { ApiTransport } from '../api/api-transport.ts';
import { getJson } from '../api/get-json.ts';
import { type Clock, sleep } from './clock.ts';

export interface ReturnWatchOptions {
  readonly transport: ApiTransport;
  readonly clock: Clock;
  readonly random: Random;
  /** Between two looks, at least half of it. Milliseconds. */
  readonly everyMs: number;
}

/**
 * Notices that an API server that was not ready is so again, for all who wait out a long back-off: one small request a
 * second (`/readyz`, which API Priority and Fairness exempts) instead of everybody's lists.
 */
export class ReturnWatch {
  readonly #options: ReturnWatchOptions;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<() => void>();
  #looking = false;

  constructor(options: ReturnWatchOptions) {
    this.#options = options;
  }

  /** Resolves after the time, or when the API server, which was not ready meanwhile, is ready. */
  async wait(delayMs: number, signal: AbortSignal): Promise<void> {
    if (delayMs <= this.#options.everyMs) return sleep(this.#options.clock, delayMs, signal);
    const returned = new AbortController();
    const wake = (): void => returned.abort();
    this.#waiting.add(wake);
    void this.#look();
    await sleep(this.#options.clock, delayMs, AbortSignal.any([signal, returned.signal]));
    this.#waiting.delete(wake);
  }

  stop(): void {
    this.#stop.abort();
    this.#waiting.clear();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const { clock, random, everyMs } = this.#options;
    // Somebody who is refused by an API server that is ready is meant: no return will help.
    let wasReady = true;
    while (this.#waiting.size > 0 && !this.#stop.signal.aborted) {
      const isReady = await this.#isReady();
      if (isReady && !wasReady) {
        for (const wake of this.#waiting) wake();
        this.#waiting.clear();
      }
      wasReady = isReady;
      if (this.#waiting.size > 0) await sleep(clock, everyMs * (0.5 + random() / 2), this.#stop.signal);
    }
    this.#looking = false;
  }

  async #isReady(): Promise<boolean> {
    const { transport, clock, everyMs } = this.#options;
    try {
      const { status } = await getJson(transport, '/readyz', { clock, timeoutMs: everyMs, signal: this.#stop.signal });
      // Who may not ask gets 403 or 401: somebody is there.
      return status < 500 && status !== 429;
    } catch {
      return false;
    }
  }
}
