import type { Flushable, FlushLoop } from '../transport/flush-loop.ts';
import type { Call } from './call.ts';
import type { DeadlineWheel, Due } from './deadline-wheel.ts';
import { beginResponse } from './pass-response.ts';

/** How long the header of a response waits for its first message or its status, in milliseconds. */
const HOLD_MS = 100;

/**
 * Calls whose response has a header and nothing more yet. While such a call can be sent again its header waits: the status
 * may be a reason to. It mostly comes in the same turn; what waits longer is timed, and passed on when the time is over, as
 * a header may mean something to its caller by itself.
 */
export class HeldHeads implements Flushable {
  readonly #loop: FlushLoop;
  readonly #deadlines: DeadlineWheel<Due>;
  #calls: Call[] = [];

  constructor(loop: FlushLoop, deadlines: DeadlineWheel<Due>) {
    this.#loop = loop;
    this.#deadlines = deadlines;
  }

  add(call: Call): void {
    if (this.#calls.length === 0) this.#loop.schedule(this);
    this.#calls.push(call);
  }

  /** The end of the turn. */
  flush(): void {
    for (const call of this.#calls) {
      if (call.replay?.held === undefined) continue;
      this.#deadlines.add(this.#deadlines.now() + HOLD_MS, new HoldLimit(call));
    }
    this.#calls.length = 0;
  }
}

class HoldLimit implements Due {
  readonly #call: Call;
  readonly #attempt: number;

  constructor(call: Call) {
    this.#call = call;
    this.#attempt = call.attempts;
  }

  due(): void {
    const call = this.#call;
    if (call.attempts === this.#attempt && call.replay?.held !== undefined) beginResponse(call);
  }
}
