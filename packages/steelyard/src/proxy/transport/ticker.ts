/** Something that time does something to. */
export interface Ticking {
  /** @param now milliseconds, of one clock for all. */
  tick(now: number): void;
}

const INTERVAL_MS = 1000;

/** One timer for all connections of a process: a coarse clock is enough for what takes seconds. */
export class Ticker {
  readonly #now: () => number;
  readonly #members = new Set<Ticking>();
  #timer: NodeJS.Timeout | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(member: Ticking): void {
    this.#members.add(member);
    this.#timer ??= setInterval(() => this.tick(), INTERVAL_MS).unref();
  }

  remove(member: Ticking): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  tick(): void {
    const now = this.#now();
    for (const member of this.#members) member.tick(now);
  }
}
