import type { ObjectIdentity, ObjectStore, Replacement } from './object-store.ts';

/** Which names there are of a kind that has no namespaces, as they change. */
export interface NameFeed {
  readonly current: ReadonlySet<string>;
  /** Calls `listener` after each change; ended by what is returned. */
  subscribe(listener: () => void): () => void;
}

/** Objects of which nothing matters but that they are there. */
export class NameStore implements ObjectStore, NameFeed {
  readonly #listeners = new Set<() => void>();
  #names = new Set<string>();

  get current(): ReadonlySet<string> {
    return this.#names;
  }

  get size(): number {
    return this.#names.size;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  set({ name }: ObjectIdentity): void {
    if (this.#names.has(name)) return;
    this.#names.add(name);
    this.#tell();
  }

  delete({ name }: ObjectIdentity): void {
    if (this.#names.delete(name)) this.#tell();
  }

  replacement(): Replacement {
    const next = new Set<string>();
    return {
      add: ({ name }) => void next.add(name),
      delete: ({ name }) => void next.delete(name),
      commit: () => {
        const same = next.size === this.#names.size && [...next].every((name) => this.#names.has(name));
        this.#names = next;
        if (!same) this.#tell();
      },
    };
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
