import type { EndpointWatch, WatchListener, WatchResult } from './endpoint-watch.ts';

interface Shared {
  readonly watch: EndpointWatch;
  readonly listeners: Set<WatchListener>;
  latest: WatchResult | undefined;
}

export interface Subscription {
  /** The listener is to be called again soon, whatever the outcome. */
  refresh(): void;
  close(): void;
}

/** Watches by what they watch: however many channels dial one name, one watch looks for it. */
export class SharedWatches {
  readonly #watches = new Map<string, Shared>();

  /** `listener` is never called before this returns. The watch is closed with its last subscription. */
  subscribe(key: string, create: () => EndpointWatch, listener: WatchListener): Subscription {
    const known = this.#watches.get(key);
    const shared = known ?? { watch: create(), listeners: new Set(), latest: undefined };
    // Two subscriptions may come with the same function; each is an entry of its own.
    const entry: WatchListener = (result) => listener(result);
    shared.listeners.add(entry);
    if (known === undefined) {
      this.#watches.set(key, shared);
      shared.watch.open((result) => {
        shared.latest = result;
        for (const each of shared.listeners) each(result);
      });
    } else if (shared.latest !== undefined) {
      queueMicrotask(() => {
        if (shared.latest !== undefined && shared.listeners.has(entry)) entry(shared.latest);
      });
    }
    return {
      refresh: () => {
        if (shared.listeners.has(entry)) shared.watch.refresh();
      },
      close: () => {
        if (!shared.listeners.delete(entry) || shared.listeners.size > 0) return;
        this.#watches.delete(key);
        shared.watch.close();
      },
    };
  }

  /** How many watches are open. */
  get size(): number {
    return this.#watches.size;
  }
}
