import { ClosedStreams } from './closed-streams.ts';
import { ConnectionError, ErrorCode } from './error-code.ts';
import { MAX_STREAM_ID } from './frame.ts';
import { IdTable } from './id-table.ts';
import type { Stream } from './stream.ts';

/** The streams of a connection, and what is still known of those that are no more (RFC 9113 §5.1). */
export class StreamTable<C> {
  /** The highest id the client has opened. */
  lastId = 0;
  /** Above this, new streams of the peer are ignored: our last GOAWAY said so. */
  lastAccepted: number = MAX_STREAM_ID;
  readonly #streams = new IdTable<Stream<C>>();
  readonly #closed = new ClosedStreams();

  get size(): number {
    return this.#streams.size;
  }

  get(id: number): Stream<C> | undefined {
    return this.#streams.get(id);
  }

  add(stream: Stream<C>): void {
    this.#streams.add(stream);
  }

  /** There are no streams, and none are on their way: holds no memory that only streams need. */
  rest(): void {
    this.#streams.rest();
  }

  /** @param byUs the peer may not know yet: its frames are to be ignored for a while. */
  remove(id: number, byUs: boolean): void {
    this.#streams.delete(id);
    if (byUs) this.#closed.rememberReset(id);
  }

  /** A copy, so that streams may close meanwhile. */
  all(): Stream<C>[] {
    return this.#streams.all();
  }

  /** A client has opened `id`, above `lastId`. RFC 9113 §5.1.1: what it passed over is closed. */
  open(id: number): void {
    if (id > this.lastId + 2) this.#closed.rememberGap(this.lastId + 1, id - 1);
    this.lastId = id;
  }

  /** Streams of even ids never exist: nobody pushes here. */
  isIdle(id: number): boolean {
    return id % 2 === 0 || id > this.lastId;
  }

  /** A HEADERS or DATA frame for an id that has no stream: to be ignored, or a connection error. */
  checkClosed(id: number, frame: string): void {
    if (id > this.lastAccepted) return;
    if (this.isIdle(id)) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `${frame} on an idle stream`);
    if (this.#closed.wasReset(id)) return;
    if (this.#closed.wasSkipped(id)) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `${frame} on a stream id that was passed over`);
    }
    throw new ConnectionError(ErrorCode.STREAM_CLOSED, `${frame} on a closed stream`);
  }
}
