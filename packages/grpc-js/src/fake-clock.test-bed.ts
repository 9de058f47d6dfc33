import type { Clock } from './clock.ts';

/** Time that passes when a test says so. */
export class FakeClock implements Clock {
  #nowMs = 0;
  #timers: { readonly at: number; readonly action: () => void }[] = [];
  readonly now = (): number => this.#nowMs;

  setTimer(action: () => void, delayMs: number): () => void {
    const timer = { at: this.#nowMs + delayMs, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Milliseconds until the next timer; `undefined` when there is none. */
  get next(): number | undefined {
    return this.#timers.length === 0 ? undefined : Math.min(...this.#timers.map(({ at }) => at)) - this.#nowMs;
  }

  get timers(): number {
    return this.#timers.length;
  }

  /** Lets time pass; what is due is done in its order, each followed by all that hangs on resolved promises. */
  async pass(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#nowMs = due.at;
      due.action();
      await settle();
    }
    this.#nowMs = end;
  }
}

/** Until no promise that could be resolved is left. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
