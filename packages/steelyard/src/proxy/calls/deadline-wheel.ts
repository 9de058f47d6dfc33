/** Width of a slot: how late a deadline may be noticed. */
export const RESOLUTION_MS = 10;
/** About ten seconds a turn; what is due later waits in its slot for another turn. */
const SLOTS = 1024;

/** Something that is to happen at a certain time. */
export interface Due {
  due(): void;
}

/** A moment at which something happens to `subject`, unless it is cancelled before. */
export class Deadline<T> {
  /** Milliseconds, by the clock of the wheel. */
  readonly at: number;
  readonly subject: T | undefined;
  next: Deadline<T> | undefined = undefined;
  previous: Deadline<T> | undefined = undefined;
  readonly #wheel: DeadlineWheel<T>;

  constructor(wheel: DeadlineWheel<T>, at: number, subject: T | undefined) {
    this.#wheel = wheel;
    this.at = at;
    this.subject = subject;
  }

  /** Below zero once it is over. */
  get remainingMs(): number {
    return this.at - this.#wheel.now();
  }

  /** Idempotent, and without effect on one that is over. */
  cancel(): void {
    const { next, previous } = this;
    if (previous === undefined) return;
    previous.next = next;
    if (next !== undefined) next.previous = previous;
    this.previous = undefined;
    this.next = undefined;
    this.#wheel.waiting--;
  }
}

/**
 * Deadlines by the thousand for one timer (Varghese and Lauck, hashed timing wheel): setting one and cancelling it, which
 * is what becomes of nearly all, cost a few assignments. The timer runs only while there are any.
 */
export class DeadlineWheel<T> {
  /** Milliseconds, never going back. */
  readonly now: () => number;
  waiting = 0;
  readonly #onDue: (subject: T) => void;
  /** Heads of lists; each slot is used for every 1024th tick. */
  readonly #slots: readonly Deadline<T>[];
  /** The first tick that has not been worked off. */
  #tick = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(now: () => number, onDue: (subject: T) => void) {
    this.now = now;
    this.#onDue = onDue;
    this.#slots = Array.from({ length: SLOTS }, () => new Deadline<T>(this, 0, undefined));
  }

  /** @param at milliseconds, by `now`; one that is over already is noticed soon, too. */
  add(at: number, subject: T): Deadline<T> {
    if (this.#timer === undefined) {
      this.#tick = Math.floor(this.now() / RESOLUTION_MS);
      this.#timer = setInterval(() => this.advance(), RESOLUTION_MS).unref();
    }
    const deadline = new Deadline(this, at, subject);
    const head = this.#slotAt(Math.max(this.#tick, Math.ceil(at / RESOLUTION_MS)));
    if (head !== undefined) link(head, deadline);
    this.waiting++;
    return deadline;
  }

  /** Does what is due. The timer calls it. */
  advance(): void {
    const now = this.now();
    const last = Math.floor(now / RESOLUTION_MS);
    // After a long standstill once around is enough: each slot is looked through for all that is due.
    const first = Math.max(this.#tick, last - SLOTS + 1);
    this.#tick = last + 1;
    for (let tick = first; tick <= last; tick++) this.#workOff(this.#slotAt(tick), now);
    if (this.waiting > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #slotAt(tick: number): Deadline<T> | undefined {
    return this.#slots[tick % SLOTS];
  }

  #workOff(head: Deadline<T> | undefined, now: number): void {
    const due: Deadline<T>[] = [];
    for (let deadline = head?.next; deadline !== undefined; deadline = deadline.next) {
      if (deadline.at <= now) due.push(deadline);
    }
    for (const deadline of due) {
      // One that is due may have cancelled another.
      if (deadline.previous === undefined) continue;
      deadline.cancel();
      if (deadline.subject !== undefined) this.#onDue(deadline.subject);
    }
  }
}

function link<T>(head: Deadline<T>, deadline: Deadline<T>): void {
  deadline.previous = head;
  deadline.next = head.next;
  if (head.next !== undefined) head.next.previous = deadline;
  head.next = deadline;
}
