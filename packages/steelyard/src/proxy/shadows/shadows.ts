import type { HeaderBlock } from '@steelyard/http2';
import type { Shadow } from './shadow.ts';

/** The copies of one call: they get what the call gets, and never hold it up. */
export class Shadows {
  readonly #copies: readonly Shadow[];

  constructor(copies: readonly Shadow[]) {
    this.#copies = copies;
  }

  add(bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    for (const copy of this.#copies) copy.add(bytes, start, end, endStream);
  }

  addTrailers(block: HeaderBlock): void {
    for (const copy of this.#copies) copy.addTrailers(block);
  }

  /** The call's caller has gone, or its time is over. */
  cancel(): void {
    for (const copy of this.#copies) copy.cancel();
  }

  /** The call is over. */
  mainEnded(): void {
    for (const copy of this.#copies) copy.mainEnded();
  }
}
