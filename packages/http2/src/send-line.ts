import type { Stream } from './stream.ts';

/**
 * The streams of a connection that have something to send, in the order of their turns. Linked by themselves, so that each may
 * leave at any time: what stands here while a peer gives no window may be reset meanwhile.
 */
export class SendLine<C> {
  first: Stream<C> | undefined = undefined;
  #last: Stream<C> | undefined = undefined;

  /** Its turn comes after that of all others. */
  add(stream: Stream<C>): void {
    const last = this.#last;
    stream.inLine = true;
    stream.before = last;
    if (last === undefined) this.first = stream;
    else last.behind = stream;
    this.#last = stream;
  }

  /** It has the next turn. */
  addFirst(stream: Stream<C>): void {
    const { first } = this;
    stream.inLine = true;
    stream.behind = first;
    if (first === undefined) this.#last = stream;
    else first.before = stream;
    this.first = stream;
  }

  remove(stream: Stream<C>): void {
    const { before, behind } = stream;
    if (before === undefined) this.first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    stream.inLine = false;
    stream.before = undefined;
    stream.behind = undefined;
  }
}
