import { ReplyCheck } from './reply-check.ts';

const FEWEST = 256;
/** A call that is not answered while so many others were has been forgotten. */
const MOST = 1 << 15;

/** The calls under way of one connection, by stream id, without an allocation per call. */
export class CallTable {
  #slots: (ReplyCheck | undefined)[] = Array.from({ length: FEWEST });

  get(streamId: number): ReplyCheck | undefined {
    const call = this.#slots[(streamId >>> 1) & (this.#slots.length - 1)];
    return call?.streamId === streamId ? call : undefined;
  }

  /** A place for the call on a new stream. Throws when one of the calls before is long overdue. */
  place(streamId: number): ReplyCheck {
    for (;;) {
      const slot = (streamId >>> 1) & (this.#slots.length - 1);
      const call = (this.#slots[slot] ??= new ReplyCheck());
      if (call.streamId === 0) return call;
      this.#grow();
    }
  }

  #grow(): void {
    const old = this.#slots;
    if (old.length === MOST) throw new Error(`a call is not answered while ${MOST} others were`);
    const slots: (ReplyCheck | undefined)[] = Array.from({ length: old.length * 2 });
    for (const call of old) {
      if (call !== undefined && call.streamId !== 0) slots[(call.streamId >>> 1) & (slots.length - 1)] = call;
    }
    this.#slots = slots;
  }
}
