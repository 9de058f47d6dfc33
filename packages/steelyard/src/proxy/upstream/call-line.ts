import type { HeaderBlock } from '@steelyard/http2';
import type { Pending } from '../calls/call.ts';
import type { Flushable, FlushLoop } from '../transport/flush-loop.ts';

/**
 * Calls that wait until one of a cluster's connections has room, first come, first served: with `maxConnections` there cannot
 * be another connection. What comes of their requests is in their replays, and their callers get no credit for it.
 */
export class CallLine implements Flushable {
  readonly #loop: FlushLoop;
  readonly #hasRoom: () => boolean;
  readonly #waiting = new Set<WaitingCall>();
  #isScheduled = false;

  /** @param hasRoom whether a call could be given to an endpoint now. */
  constructor(loop: FlushLoop, hasRoom: () => boolean) {
    this.#loop = loop;
    this.#hasRoom = hasRoom;
  }

  get length(): number {
    return this.#waiting.size;
  }

  /** @param go gives the call to an endpoint; called when there is room, or the line is dissolved. */
  add(go: () => void): Pending {
    const waiting = new WaitingCall(this.#waiting, go);
    this.#waiting.add(waiting);
    return waiting;
  }

  /** There may be room now. Acted upon at the end of the turn: a stream that ends still has its place for the moment. */
  poke(): void {
    if (this.#isScheduled || this.#waiting.size === 0) return;
    this.#isScheduled = true;
    this.#loop.schedule(this);
  }

  flush(): void {
    this.#isScheduled = false;
    // Only those that wait now: one that finds no room after all stands in line again.
    let left = this.#waiting.size;
    for (const waiting of this.#waiting) {
      if (left-- === 0 || !this.#hasRoom()) return;
      waiting.settle();
    }
  }

  /** Nobody may wait any longer: all go at once. */
  dissolve(): void {
    for (const waiting of this.#waiting) waiting.settle();
  }
}

class WaitingCall implements Pending {
  readonly #line: Set<WaitingCall>;
  readonly #go: () => void;

  constructor(line: Set<WaitingCall>, go: () => void) {
    this.#line = line;
    this.#go = go;
  }

  add(): void {
    // The replay has it.
  }

  addTrailers(_block: HeaderBlock): void {
    // The replay has them.
  }

  settle(): void {
    if (this.#line.delete(this)) this.#go();
  }

  ended(): void {
    this.#line.delete(this);
  }
}
