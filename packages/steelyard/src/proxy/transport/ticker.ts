/** Something that time does something to. */
export interface Ticking {
  /** @param now milliseconds, of one clock for all. */
  tick(now: number): void;
}

const INTERVAL_MS = 1000;

/** A round is cut into so many parts: ten thousand connections looked at in one go would hold up the calls. */
const PARTS = 10;

/** One timer for all connections of a process: a coarse clock is enough for what takes seconds. */
export class Ticker {
  readonly #now: () => number;
  readonly #members = new Set<Ticking>();
  #timer: NodeJS.Timeout | undefined;
  /** Those of the round under way that have not had their turn; members that come meanwhile have it at the end. */
  #round: Iterator<Ticking> = [].values();
  #part = 0;
  #perPart = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(member: Ticking): void {
    this.#members.add(member);
    this.#timer ??= setInterval(() => this.tickPart(), INTERVAL_MS / PARTS).unref();
  }

  remove(member: Ticking): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** All of them at once. */
  tick(): void {
    const now = this.#now();
    for (const member of this.#members) member.tick(now);
  }

  /** The next tenth of them; after ten times each has had its turn once. */
  tickPart(): void {
    if (this.#part === 0) {
      this.#round = this.#members.values();
      this.#perPart = Math.ceil(this.#members.size / PARTS);
    }
    this.#part = (this.#part + 1) % PARTS;
    const now = this.#now();
    for (let left = this.#part === 0 ? Infinity : this.#perPart; left > 0; left--) {
      const next = this.#round.next();
      if (next.done === true) return;
      next.value.tick(now);
    }
  }
}
