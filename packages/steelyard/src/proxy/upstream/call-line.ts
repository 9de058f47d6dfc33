import type { HeaderBlock } from '@steelyard/http2';
import type { Pending } from '../calls/call.ts';
import type { CallFailure } from '../calls/grpc-status.ts';
import type { Flushable, FlushLoop } from '../transport/flush-loop.ts';

/**
 * Calls that wait until one of a cluster's connections has room, first come, first served: with `maxConnections` there cannot
 * be another connection, and a pod may allow no streams for a while. What comes of their requests is in their replays, and their
 * callers get no credit for it.
 */
export class CallLine implements Flushable {
  readonly #loop: FlushLoop;
  readonly #now: () => number;
  readonly #hasRoom: () => boolean;
  readonly #waiting = new Set<WaitingCall>();
  #isScheduled = false;
  #why: CallFailure | undefined = undefined;

  /** @param hasRoom whether a call could be given to an endpoint now. */
  constructor(loop: FlushLoop, now: () => number, hasRoom: () => boolean) {
    this.#loop = loop;
    this.#now = now;
    this.#hasRoom = hasRoom;
  }

  get length(): number {
    return this.#waiting.size;
  }

  /** What those who come last wait for; undefined while nobody does. */
  get why(): CallFailure | undefined {
    return this.#waiting.size === 0 ? undefined : this.#why;
  }

  /**
   * @param why there is no room for it
   * @param go gives the call to an endpoint; called when there is room, or the line is dissolved
   * @param giveUp tells the caller; called when it has waited for too long. The cluster's own limits are waited for without end.
   */
  add(why: CallFailure, go: () => void, giveUp: () => void): Pending {
    this.#why = why;
    const waiting = new WaitingCall(this.#waiting, go, why.overloaded === true ? undefined : giveUp, this.#now());
    this.#waiting.add(waiting);
    return waiting;
  }

  /** Those who have waited since this time, or longer, and not for the cluster's own limits, go. */
  expire(since: number): void {
    for (const waiting of this.#waiting) {
      if (waiting.since > since) return;
      waiting.expire();
    }
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
  readonly #giveUp: (() => void) | undefined;
  /** Milliseconds, of the engine's clock. */
  readonly since: number;

  constructor(line: Set<WaitingCall>, go: () => void, giveUp: (() => void) | undefined, since: number) {
    this.#line = line;
    this.#go = go;
    this.#giveUp = giveUp;
    this.since = since;
  }

  add(): void {
    // The replay has it.
  }

  addTrailers(_block: HeaderBlock): void {
    // The replay has them.
  }

  expire(): void {
    if (this.#giveUp === undefined) return;
    this.#line.delete(this);
    this.#giveUp();
  }

  settle(): void {
    if (this.#line.delete(this)) this.#go();
  }

  ended(): void {
    this.#line.delete(this);
  }
}
