import { CallWriter, type CallKind } from '../calls/call-writer.ts';
import { MESSAGE_LENGTH } from '../calls/message.ts';
import type { Field } from '../wire/block-reader.ts';
import { DEFAULT_TABLE_SIZE, DEFAULT_WINDOW } from '../wire/frame.ts';
import { CallTable } from './call-table.ts';
import {
  openConnection,
  type Connection,
  type ConnectionHandler,
  type PeerSettings,
  type Target,
} from './connection.ts';
import type { ReplyCheck } from './reply-check.ts';

/** Waiting calls are moved up after so many have gone. */
const MOST_GONE = 4096;

export interface CallerListener {
  /** Once: the peer has greeted, calls are written from now on. */
  onReady(): void;
  /** `startedAt` as it was given to `start`; `now` is when the read began that brought the end. */
  onReply(startedAt: number, now: number): void;
  /** A call that did not end with grpc-status 0 and the message that was expected. */
  onFailure(why: string): void;
  /** The connection is of no more use; no call will follow. */
  onClosed(why: string): void;
}

/** One connection for unary calls. They are written with {@link flush}, as far as the peer's limits allow. */
export class Caller implements ConnectionHandler {
  readonly #listener: CallerListener;
  readonly #call: CallKind;
  readonly #seed: number;
  readonly #connection: Connection;
  readonly #calls = new CallTable();
  /** Start times of calls that wait for a window or a free stream; the first is at `#waitingFrom`. */
  #waiting: number[] = [];
  #waitingFrom = 0;
  #writer: CallWriter | undefined;
  #nextId = 1;
  #window = DEFAULT_WINDOW;
  #active = 0;
  #mostStreams = Infinity;
  #now = 0;

  constructor(target: Target, call: CallKind, seed: number, listener: CallerListener) {
    this.#call = call;
    this.#seed = seed;
    this.#listener = listener;
    this.#connection = openConnection(target, this);
  }

  /** A call to be written with the next {@link flush}; its latency counts from `startedAt`. */
  start(startedAt: number): void {
    this.#waiting.push(startedAt);
  }

  flush(): void {
    this.#writeWaiting();
    this.#connection.flush();
  }

  destroy(): void {
    this.#connection.destroy();
  }

  onTurn(): void {
    this.#now = 0;
    this.#writeWaiting();
  }

  onSettings({ tableSize, mostStreams, streamWindow }: PeerSettings): void {
    if (streamWindow < MESSAGE_LENGTH) throw new Error('stream window below one message');
    this.#mostStreams = mostStreams;
    this.#writer = new CallWriter(this.#call, tableSize >= DEFAULT_TABLE_SIZE, this.#seed);
    this.#listener.onReady();
  }

  onHeaders(streamId: number, fields: readonly Field[], last: boolean): void {
    const call = this.#calls.get(streamId);
    if (last && call !== undefined) this.#end(call, call.trailers(fields));
  }

  onData(streamId: number, bytes: Buffer, start: number, end: number, last: boolean): void {
    const call = this.#calls.get(streamId);
    if (call === undefined) return;
    const failure = call.data(bytes, start, end) ?? (last ? 'no trailers' : undefined);
    if (failure !== undefined) this.#end(call, failure);
  }

  onReset(streamId: number, code: number): void {
    const call = this.#calls.get(streamId);
    if (call !== undefined) this.#end(call, `reset with code ${code}`);
  }

  onWindow(streamId: number, increment: number): void {
    if (streamId === 0) this.#window += increment;
  }

  onClosed(why: string): void {
    this.#listener.onClosed(why);
  }

  #end(call: ReplyCheck, failure: string | undefined): void {
    call.streamId = 0;
    this.#active--;
    // One look at the clock a read.
    if (this.#now === 0) this.#now = performance.now();
    if (failure === undefined) this.#listener.onReply(call.startedAt, this.#now);
    else this.#listener.onFailure(failure);
  }

  #writeWaiting(): void {
    const writer = this.#writer;
    const waiting = this.#waiting;
    if (writer === undefined || waiting.length === 0) return;
    while (this.#waitingFrom < waiting.length && this.#active < this.#mostStreams && this.#window >= MESSAGE_LENGTH) {
      this.#write(writer, waiting[this.#waitingFrom++] ?? 0);
    }
    if (this.#waitingFrom === waiting.length) {
      waiting.length = 0;
      this.#waitingFrom = 0;
    } else if (this.#waitingFrom > MOST_GONE) {
      this.#waiting = waiting.slice(this.#waitingFrom);
      this.#waitingFrom = 0;
    }
  }

  #write(writer: CallWriter, startedAt: number): void {
    const id = this.#nextId;
    this.#nextId += 2;
    const call = this.#calls.place(id);
    call.begin(id, writer.nonce, this.#call.replyBytes, startedAt);
    this.#active++;
    this.#window -= MESSAGE_LENGTH;
    const { out } = this.#connection;
    const at = out.reserve(writer.mostBytes);
    out.shrink(writer.write(out.bytes, at, id));
  }
}
