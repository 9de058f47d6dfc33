/** A power of two. Most connections have a call or two at a time. */
const LEAST_SLOTS = 4;

/** Tables up to this size are not worth making anew. */
const LEAST_AFTER_REST = 16;

/**
 * Objects by their stream id. A Map would do, but each time a Map is rehashed V8 links the old table to the new one: with
 * thousands of streams a second coming and going, one dead table in old space keeps all that followed alive, streams
 * included, until the next full collection. This one moves entries in place; ids that follow one another never collide.
 */
export class IdTable<T extends { readonly id: number }> {
  size = 0;
  #slots: (T | undefined)[] = Array.from({ length: LEAST_SLOTS }, () => undefined);
  #mask = LEAST_SLOTS - 1;

  get(id: number): T | undefined {
    const slots = this.#slots;
    for (let slot = (id >>> 1) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const item = slots[slot];
      if (item === undefined || item.id === id) return item;
    }
  }

  /** The id must not be in the table. */
  add(item: T): void {
    if (++this.size * 2 > this.#slots.length) this.#grow();
    this.#put(item);
  }

  delete(id: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let hole = (id >>> 1) & mask;
    for (; ; hole = (hole + 1) & mask) {
      const item = slots[hole];
      if (item === undefined) return;
      if (item.id === id) break;
    }
    this.size--;
    // What was pushed past the hole moves back, so that probing may stop at the first free slot.
    for (let slot = (hole + 1) & mask; ; slot = (slot + 1) & mask) {
      const item = slots[slot];
      if (item === undefined) break;
      const home = (item.id >>> 1) & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots[hole] = item;
      hole = slot;
    }
    slots[hole] = undefined;
  }

  /** All items, oldest id first. */
  all(): T[] {
    return this.#slots.filter((item) => item !== undefined).toSorted((a, b) => a.id - b.id);
  }

  /** Empty, and likely to stay so for a while: gives back what a crowd has needed. */
  rest(): void {
    if (this.size > 0 || this.#slots.length <= LEAST_AFTER_REST) return;
    this.#slots = Array.from({ length: LEAST_SLOTS }, () => undefined);
    this.#mask = LEAST_SLOTS - 1;
  }

  #put(item: T): void {
    let slot = (item.id >>> 1) & this.#mask;
    while (this.#slots[slot] !== undefined) slot = (slot + 1) & this.#mask;
    this.#slots[slot] = item;
  }

  #grow(): void {
    const items = this.all();
    this.#slots = Array.from({ length: this.#slots.length * 2 }, () => undefined);
    this.#mask = this.#slots.length - 1;
    for (const item of items) this.#put(item);
  }
}
