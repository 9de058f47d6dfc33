import type { Random } from '@steelyard/core/balance';

/**
 * gRPC's connection-backoff.md, with a shorter first wait and a lower cap: a pod is one of several and close by, so that
 * trying it costs little, and a caller's own backoff comes on top of this one.
 */
const FIRST_WAIT_MS = 200;
const FACTOR = 1.6;
const JITTER = 0.2;
const LONGEST_WAIT_MS = 10_000;

/** When a peer that could not be connected to may be tried again. */
export class ConnectBackoff {
  readonly #random: Random;
  readonly #spare: number;
  /** In a row. */
  #failures = 0;
  #failedAt = -Infinity;
  #retryAt = -Infinity;
  /** Why the last attempt failed; empty after one that did not. */
  lastError = '';

  /** @param spare so many failures in a row say nothing yet: the next attempt may reach another peer. */
  constructor(random: Random, spare = 0) {
    this.#random = random;
    this.#spare = spare;
  }

  /** No attempt has succeeded since the last one failed. */
  get failing(): boolean {
    return this.#failures > this.#spare;
  }

  /** Milliseconds until the next attempt may begin; 0 when it may. */
  waitMs(now: number): number {
    return Math.max(0, this.#retryAt - now);
  }

  /** @param begunAt when the attempt began: those that ran side by side are one failure. */
  failed(error: string, begunAt: number, now: number): void {
    this.lastError = error;
    if (begunAt < this.#failedAt) return;
    this.#failures++;
    this.#failedAt = now;
    if (!this.failing) return;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * FACTOR ** (this.#failures - this.#spare - 1));
    this.#retryAt = now + wait * (1 - JITTER + 2 * JITTER * this.#random());
  }

  /** Also to be called when there is reason to think that the next attempt will. */
  succeeded(): void {
    this.#failures = 0;
    this.#retryAt = -Infinity;
    this.lastError = '';
  }
}
