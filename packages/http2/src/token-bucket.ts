/** A budget that fills up again with time. The clock is the caller's, in milliseconds, and is asked only when something is charged. */
export class TokenBucket {
  readonly #capacity: number;
  readonly #perMs: number;
  readonly #now: () => number;
  #tokens: number;
  #since: number;

  constructor(capacity: number, perSecond: number, now: () => number) {
    this.#capacity = capacity;
    this.#perMs = perSecond / 1000;
    this.#now = now;
    this.#tokens = capacity;
    this.#since = -1;
  }

  /** Takes `count` tokens. False when there were not enough: the budget is overdrawn. */
  charge(count: number): boolean {
    const now = this.#now();
    if (this.#since >= 0) {
      this.#tokens = Math.min(this.#capacity, this.#tokens + (now - this.#since) * this.#perMs);
    }
    this.#since = now;
    this.#tokens -= count;
    return this.#tokens >= 0;
  }

  refund(count: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + count);
  }

  /** Less than a quarter is left. */
  get low(): boolean {
    return this.#tokens < this.#capacity / 4;
  }
}
