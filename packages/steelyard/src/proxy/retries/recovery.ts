import type { Deadline, Due } from '../calls/deadline-wheel.ts';
import type { LastWord } from './outcome.ts';
import type { RetryBudget } from './retry-budget.ts';

/** What a call that is tried again, or may be, needs beyond others. */
export class Recovery {
  /** Retries by policy so far. */
  retries = 0;
  /** Keys of the endpoints that had an attempt, in order. */
  readonly tried: string[] = [];
  /** Ends an attempt that takes too long. */
  tryTimer: Deadline<Due> | undefined = undefined;
  /** Of the attempt before. */
  last: LastWord | undefined = undefined;
  #budget: RetryBudget | undefined = undefined;

  /** A retry has a place in the budget until it has answered or failed. */
  hold(budget: RetryBudget): void {
    this.#budget = budget;
  }

  /** The attempt has answered or failed. Idempotent. */
  settle(): void {
    this.tryTimer?.cancel();
    this.tryTimer = undefined;
    this.#budget?.release();
    this.#budget = undefined;
  }
}
