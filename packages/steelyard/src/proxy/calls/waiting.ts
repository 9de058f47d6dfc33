import type { Call, Pending } from './call.ts';
import { type Deadline, type DeadlineWheel, type Due, RESOLUTION_MS } from './deadline-wheel.ts';

/** A call that waits for its time. What comes of its request meanwhile is in its replay, and its caller gets no credit for it. */
export class Waiting implements Pending, Due {
  readonly #call: Call;
  readonly #go: () => void;
  readonly #onEnd: () => void;
  readonly #alarm: Deadline<Due>;

  /**
   * @param ms the wheel notices it up to its resolution too late, so it is told to be as much too early
   * @param go what happens when the time has come
   * @param onEnd the call is over before
   */
  constructor(call: Call, deadlines: DeadlineWheel<Due>, ms: number, go: () => void, onEnd: () => void = noop) {
    this.#call = call;
    this.#go = go;
    this.#onEnd = onEnd;
    this.#alarm = deadlines.add(deadlines.now() + Math.max(0, ms - RESOLUTION_MS), this);
  }

  add(): void {
    // The replay has it.
  }

  addTrailers(): void {
    // The replay has them.
  }

  settle(): void {
    this.due();
  }

  ended(): void {
    this.#alarm.cancel();
    this.#onEnd();
  }

  due(): void {
    this.#alarm.cancel();
    if (this.#call.pending !== this) return;
    this.#call.pending = undefined;
    this.#go();
  }
}

function noop(): void {
  // Nobody wants to know.
}
