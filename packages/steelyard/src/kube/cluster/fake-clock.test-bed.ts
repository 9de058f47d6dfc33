// Time that a test moves by hand.
import type { Clock } from './clock.ts';

/** Runs what is due, in order; waits in between for what follows from it. */
export class FakeClock implements Clock {
  #now = 0;
  #timers: { readonly at: number; readonly due: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(delayMs: number, due: () => void): () => void {
    const timer = { at: this.#now + delayMs, due };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await new Promise(setImmediate);
      const [next] = this.#timers.toSorted((a, b) => a.at - b.at);
      if (next === undefined || next.at > end) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = next.at;
      next.due();
    }
    this.#now = end;
  }
}
