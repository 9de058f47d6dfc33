/** Time as an argument. */
export interface Clock {
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Calls `action` once, after `delayMs`; the function it returns takes that back. */
  setTimer(action: () => void, delayMs: number): () => void;
}

/** The machine's clock. Its timers keep no process alive: a channel is not work that is left to do. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer(action, delayMs) {
    const timer = setTimeout(action, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
