/** How many of the streams that we reset are remembered. Frames for them were on their way (RFC 9113 §5.1 "closed"). */
const REMEMBERED_RESETS = 1024;
const REMEMBERED_GAPS = 32;

/** Never written to. */
const NONE = new Set<number>();

/** What can still be told of ids that have no stream any more. */
export class ClosedStreams {
  #reset = NONE;
  readonly #gaps: { readonly from: number; readonly to: number }[] = [];

  rememberReset(id: number): void {
    if (this.#reset === NONE) this.#reset = new Set();
    this.#reset.add(id);
    if (this.#reset.size <= REMEMBERED_RESETS) return;
    for (const oldest of this.#reset) {
      this.#reset.delete(oldest);
      return;
    }
  }

  /** We reset it, so the peer may not know yet: its frames are to be ignored. */
  wasReset(id: number): boolean {
    return this.#reset.has(id);
  }

  /** RFC 9113 §5.1.1: ids that were passed over count as closed without ever having been used. */
  rememberGap(from: number, to: number): void {
    this.#gaps.push({ from, to });
    if (this.#gaps.length > REMEMBERED_GAPS) this.#gaps.shift();
  }

  wasSkipped(id: number): boolean {
    return this.#gaps.some(({ from, to }) => id >= from && id <= to);
  }
}
