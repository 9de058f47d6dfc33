/** What has been opened and must be closed at the end, in whichever way that comes. Last opened, first closed. */
export interface Cleanup {
  /** Once {@link run} has begun, what is deferred is closed at once: nothing opened late survives. */
  defer(close: () => Promise<void> | void): void;
  /** Closes everything, every one even if another fails; rejects with the first failure. Later calls wait for the first. */
  run(): Promise<void>;
}

export function createCleanup(): Cleanup {
  const closers: (() => Promise<void> | void)[] = [];
  const failures: unknown[] = [];
  let running: Promise<void> | undefined;

  const drain = async (): Promise<void> => {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
  };
  return {
    defer(close): void {
      closers.push(close);
      if (running !== undefined) running = running.then(drain);
    },
    async run(): Promise<void> {
      running ??= drain();
      // What is deferred meanwhile lengthens the chain.
      for (let seen: Promise<void> | undefined; seen !== running;) {
        seen = running;
        await seen;
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}
