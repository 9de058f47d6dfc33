/** Lets `limit` tasks run at the same time; the others wait in the order they came. */
export function createGate(limit: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await task();
    } finally {
      // The place is handed over, so nobody who comes now can take it first.
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
