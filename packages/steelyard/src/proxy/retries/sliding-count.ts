const SLOTS = 10;

/**
 * How often something has happened within a time up to now: exactly, but for a tenth of that time, since it is forgotten by
 * the slot, as Envoy does it (`budget_interval`). What is a whole interval old counts still, what is a slot older does not.
 */
export class SlidingCount {
  readonly intervalMs: number;
  readonly #slotMs: number;
  /** A slot that fills, and those that are full. */
  readonly #slots: Float64Array = new Float64Array(SLOTS + 1);
  #slot = 0;
  #total = 0;

  constructor(intervalMs: number) {
    this.intervalMs = intervalMs;
    this.#slotMs = intervalMs / SLOTS;
  }

  /** @param nowMs of a clock that does not go back. */
  record(nowMs: number): void {
    this.#forget(nowMs);
    const at = this.#slot % this.#slots.length;
    this.#slots[at] = (this.#slots[at] ?? 0) + 1;
    this.#total++;
  }

  total(nowMs: number): number {
    this.#forget(nowMs);
    return this.#total;
  }

  #forget(nowMs: number): void {
    const slot = Math.floor(nowMs / this.#slotMs);
    const { length } = this.#slots;
    if (slot - this.#slot >= length) {
      this.#slots.fill(0);
      this.#total = 0;
    } else {
      for (let next = this.#slot + 1; next <= slot; next++) {
        this.#total -= this.#slots[next % length] ?? 0;
        this.#slots[next % length] = 0;
      }
    }
    this.#slot = slot;
  }
}
