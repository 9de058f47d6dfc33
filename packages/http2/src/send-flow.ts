import { DEFAULT_WINDOW, Flag, FrameType, MAX_WINDOW, putFrameHeader, FRAME_HEADER_LENGTH } from './frame.ts';
import { copyBytes, copyOf } from './hpack/bytes.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { Output } from './output.ts';
import { SendLine } from './send-line.ts';
import { NOTHING, type Stream } from './stream.ts';

/** What the flow tells the connection while it works off a queue. */
export interface SendFlowOwner<C> {
  sent(stream: Stream<C>, count: number): void;
  /** The stream's queue is empty and it was to end: send its trailers, if any, and close our side. */
  sentAll(stream: Stream<C>): void;
}

/**
 * DATA on its way out: within the peer's windows (RFC 9113 §5.2, §6.9), and only while the socket takes it. What cannot
 * go waits in its stream's queue; waiting streams take turns, one frame each.
 */
export class SendFlow<C> {
  /** Octets we may send on the whole connection. */
  window: number = DEFAULT_WINDOW;
  maxFrameSize = 16_384;
  /** The socket is full, or not connected yet. */
  paused = false;
  /** Octets that wait in all queues. */
  queuedLength = 0;
  /** DATA frames sent so far. */
  framesSent = 0;
  readonly #owner: SendFlowOwner<C>;
  readonly #output: Output;
  readonly #memory: MemoryBudget;
  /** What waits for nothing but its turn or the connection's window. Those that need no window come first. */
  readonly #line = new SendLine<C>();
  /** The last DATA frame in the output: where it begins and ends, of which stream it is, and which output it was. */
  #lastAt = 0;
  #lastEnd = -1;
  #lastId = 0;
  #lastGeneration = 0;

  constructor(owner: SendFlowOwner<C>, output: Output, memory: MemoryBudget) {
    this.#owner = owner;
    this.#output = output;
    this.#memory = memory;
  }

  /** Sends what may go and queues a copy of the rest. Returns the octets sent at once. */
  send(stream: Stream<C>, bytes: Uint8Array, start: number, end: number, endStream: boolean): number {
    let sent = 0;
    if (!stream.hasQueue && !this.paused) {
      const allowed = Math.min(end - start, stream.sendWindow, this.window);
      if (allowed === end - start) {
        if (allowed > 0 || endStream) this.#write(stream, bytes, start, end, endStream);
        if (endStream) this.#owner.sentAll(stream);
        return allowed;
      }
      if (allowed > 0) {
        this.#write(stream, bytes, start, start + allowed, false);
        sent = allowed;
      }
    }
    if (start + sent < end) {
      if (stream.queue === NOTHING) stream.queue = [];
      keep(stream.queue, bytes, start + sent, end);
      stream.queuedLength += end - start - sent;
      this.queuedLength += end - start - sent;
      this.#memory.charge(end - start - sent);
    }
    stream.queuedEnd = endStream;
    this.#enqueue(stream);
    return sent;
  }

  /** The stream is to end, by the trailers it holds, once its queue has gone. */
  endAfterQueue(stream: Stream<C>): void {
    stream.queuedEnd = true;
    this.#enqueue(stream);
  }

  /** The window of one stream grew: to be followed by {@link SendFlow.pump}. */
  resume(stream: Stream<C>): void {
    if (stream.hasQueue) this.#enqueue(stream);
  }

  /**
   * Sends as much as windows and socket allow, in turns. Costs what is sent, however many wait: it ends with the connection's
   * window, and whoever has none of its own is out of the line until it has.
   */
  pump(): void {
    const line = this.#line;
    while (!this.paused) {
      const stream = line.first;
      if (stream === undefined || (this.window <= 0 && stream.queuedLength > 0)) return;
      line.remove(stream);
      this.#sendOneFrame(stream);
      if (stream.queuedLength > 0) this.#enqueue(stream);
    }
  }

  /** Forgets what a closed stream still wanted to send. */
  drop(stream: Stream<C>): void {
    if (stream.inLine) this.#line.remove(stream);
    this.queuedLength -= stream.queuedLength;
    this.#memory.release(stream.queuedLength);
    stream.queuedLength = 0;
    stream.queue = NOTHING;
    stream.queuedEnd = false;
    stream.queuedTrailers = undefined;
  }

  /** RFC 9113 §6.9.1: false when the window would pass 2^31 − 1. */
  widen(increment: number): boolean {
    this.window += increment;
    return this.window <= MAX_WINDOW;
  }

  #enqueue(stream: Stream<C>): void {
    if (stream.inLine) return;
    if (stream.queuedLength === 0) this.#line.addFirst(stream);
    else if (stream.sendWindow > 0) this.#line.add(stream);
  }

  #sendOneFrame(stream: Stream<C>): void {
    const head = stream.queue[0];
    if (head === undefined) {
      this.#endQueue(stream);
      return;
    }
    const count = Math.min(head.length, stream.sendWindow, this.window, this.maxFrameSize);
    if (count <= 0) return;
    const isLast = count === head.length && stream.queue.length === 1 && stream.queuedEnd;
    const ends = isLast && stream.queuedTrailers === undefined;
    this.#write(stream, head, 0, count, ends);
    if (count === head.length) stream.queue.shift();
    else stream.queue[0] = head.subarray(count);
    stream.queuedLength -= count;
    this.queuedLength -= count;
    this.#memory.release(count);
    if (isLast) {
      stream.queuedEnd = false;
      this.#owner.sentAll(stream);
    }
    this.#owner.sent(stream, count);
  }

  /** Nothing is left but the end itself, which needs no window. */
  #endQueue(stream: Stream<C>): void {
    stream.queuedEnd = false;
    if (stream.queuedTrailers === undefined) this.#write(stream, EMPTY, 0, 0, true);
    this.#owner.sentAll(stream);
  }

  /** Frames of at most the peer's MAX_FRAME_SIZE; the windows have been checked. */
  #write(stream: Stream<C>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    stream.sendWindow -= end - start;
    this.window -= end - start;
    const out = this.#output;
    let at = start;
    stream.moved = true;
    if (this.#extendLast(stream, bytes, start, end, endStream)) return;
    this.#lastEnd = -1;
    do {
      this.framesSent++;
      const count = Math.min(end - at, this.maxFrameSize);
      out.ensureFrame(FRAME_HEADER_LENGTH + count);
      this.#lastAt = out.length;
      const flags = endStream && at + count === end ? Flag.END_STREAM : 0;
      putFrameHeader(out.buffer, out.length, count, FrameType.DATA, flags, stream.id);
      out.length += FRAME_HEADER_LENGTH;
      copyBytes(bytes, at, at + count, out.buffer, out.length);
      out.length += count;
      at += count;
    } while (at < end);
    if (endStream) return;
    this.#lastEnd = out.length;
    this.#lastGeneration = out.generation;
    this.#lastId = stream.id;
  }

  /** What follows our last frame, of the same stream, goes into it: many small messages of a stream have one header. */
  #extendLast(stream: Stream<C>, bytes: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    const out = this.#output;
    const count = end - start;
    if (count === 0 || out.length !== this.#lastEnd || stream.id !== this.#lastId) return false;
    const length = this.#lastEnd - this.#lastAt - FRAME_HEADER_LENGTH + count;
    if (out.generation !== this.#lastGeneration || length > this.maxFrameSize) return false;
    if (out.length + count > out.buffer.length) return false;
    copyBytes(bytes, start, end, out.buffer, out.length);
    out.length += count;
    putFrameHeader(out.buffer, this.#lastAt, length, FrameType.DATA, endStream ? Flag.END_STREAM : 0, stream.id);
    this.#lastEnd = endStream ? -1 : out.length;
    return true;
  }
}

const EMPTY = new Uint8Array(0);

/** Pieces that wait are gathered until they are this long. */
const WORTH_A_PIECE = 2048;

/**
 * Puts a copy at the end of a queue. A piece has memory of its own, and 40 times as much as a message of five octets takes: small
 * ones go into the room that the last piece has, which doubles.
 */
function keep(queue: Uint8Array[], bytes: Uint8Array, start: number, end: number): void {
  const last = queue.at(-1);
  const count = end - start;
  if (last === undefined || last.length >= WORTH_A_PIECE || count >= WORTH_A_PIECE) {
    queue.push(copyOf(bytes, start, end));
    return;
  }
  const { buffer, byteOffset, length } = last;
  const total = length + count;
  const fits = byteOffset + total <= buffer.byteLength;
  const piece = fits
    ? new Uint8Array(buffer, byteOffset, total)
    : new Uint8Array(Math.max(total, Math.min(2 * total, WORTH_A_PIECE))).subarray(0, total);
  if (!fits) copyBytes(last, 0, length, piece, 0);
  copyBytes(bytes, start, end, piece, length);
  queue[queue.length - 1] = piece;
}
