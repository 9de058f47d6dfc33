/**
 * The time as calls see it: read at most once for each chunk that a socket delivers, since all calls of a chunk begin or
 * end together. Whatever starts a piece of work says `expire`; who asks first afterwards pays for the reading.
 */
export class TurnClock {
  #now = 0;
  #fresh = false;
  readonly #read: () => number;

  /** @param read milliseconds, monotonic. */
  constructor(read: () => number) {
    this.#read = read;
  }

  expire(): void {
    this.#fresh = false;
  }

  /** Microseconds since some fixed moment. */
  nowUs(): number {
    if (this.#fresh) return this.#now;
    this.#fresh = true;
    this.#now = this.#read() * 1000;
    return this.#now;
  }
}
