/**
 * What all connections of a process may hold for their peers together: DATA that nobody takes, the headers of open calls.
 * Each of them is bounded on its own (maxQueuedLength), but many that each stay within their bounds can still be too much.
 */
export class MemoryBudget {
  /** Octets held at the moment. */
  used = 0;
  /** Streams that were refused for want of it. */
  refusedStreams = 0;
  readonly limit: number;
  readonly #onExceeded: () => void;

  /** @param onExceeded called with every charge beyond the limit: somebody is to be relieved of what it holds. */
  constructor(limit: number, onExceeded: () => void = () => undefined) {
    this.limit = limit;
    this.#onExceeded = onExceeded;
  }

  get exhausted(): boolean {
    return this.used > this.limit;
  }

  charge(count: number): void {
    this.used += count;
    if (this.used > this.limit) this.#onExceeded();
  }

  release(count: number): void {
    this.used -= count;
  }
}
