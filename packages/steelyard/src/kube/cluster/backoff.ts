import type { Random } from '@steelyard/core/balance';

export interface BackoffTimes {
  readonly firstMs: number;
  readonly mostMs: number;
  /** A delay is stretched by up to this part of itself, so that many clients do not come back together. */
  readonly jitter: number;
  /** After so long without a failure the next delay is the first again. */
  readonly healthyMs: number;
}

/** What to wait after one failure after the other: doubled each time, as client-go's reflector does. */
export class Backoff {
  readonly #times: BackoffTimes;
  readonly #random: Random;
  #next: number;
  #failedAt = Number.NEGATIVE_INFINITY;

  constructor(times: BackoffTimes, random: Random) {
    this.#times = times;
    this.#random = random;
    this.#next = times.firstMs;
  }

  /** Milliseconds. */
  delay(nowMs: number): number {
    const { firstMs, mostMs, jitter, healthyMs } = this.#times;
    if (nowMs - this.#failedAt > healthyMs + this.#next) this.#next = firstMs;
    this.#failedAt = nowMs;
    const delay = this.#next;
    this.#next = Math.min(delay * 2, mostMs);
    return delay * (1 + this.#random() * jitter);
  }

  reset(): void {
    this.#next = this.#times.firstMs;
  }
}
