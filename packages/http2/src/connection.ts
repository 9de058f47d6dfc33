import { ConnectionCore, type Role } from './connection-core.ts';
import { ConnectionError, ErrorCode } from './error-code.ts';
import { DEFAULT_WINDOW, MAX_STREAM_ID } from './frame.ts';
import type { ConnectionHandler } from './handler.ts';
import { isHead } from './head.ts';
import type { FieldCache } from './hpack/field-cache.ts';
import type { HeaderBlock } from './hpack/header-block.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { MemoryBudget } from './memory-budget.ts';
import type { BufferPool, Write } from './output.ts';
import { Receiver } from './receiver.ts';
import { initialPeerSettings, type Settings, writeSettings } from './settings.ts';
import { Stream } from './stream.ts';
import { Watch } from './watch.ts';

export interface ConnectionOptions {
  readonly role: Role;
  /** Shared by all connections of a process. */
  readonly fields: FieldCache;
  readonly buffers: BufferPool;
  /**
   * Streams the peer is taken to allow until its SETTINGS say (client). Default 100, the least RFC 9113 §6.5.2 recommends;
   * who has been connected to it before knows better.
   */
  readonly assumedMaxConcurrentStreams?: number;
  /** What differs from {@link DEFAULT_LIMITS}. */
  readonly limits?: Partial<Limits>;
  /** Shared by all connections of a process. Absent: one of its own. */
  readonly memory?: MemoryBudget;
  /** Milliseconds from any start, never going back. Asked on frames of doubtful use only, never per call. */
  readonly now: () => number;
}

/**
 * One HTTP/2 connection without any I/O (RFC 9113): octets go in by `receive`, calls on the handler come out; commands go
 * in, octets come out by `flush`. It has no clock and owns no socket.
 */
export class Connection<C> {
  readonly #core: ConnectionCore<C>;
  readonly #receiver: Receiver<C>;
  readonly #watch: Watch<C>;

  /** The greeting is in the output at once; the handler is not told of it. */
  constructor(handler: ConnectionHandler<C>, options: ConnectionOptions) {
    const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
    const local: Settings = {
      ...initialPeerSettings(),
      maxConcurrentStreams: limits.maxConcurrentStreams,
      initialWindowSize: limits.streamWindow,
      maxHeaderListSize: limits.maxHeaderListSize,
    };
    const connectionWindow = Math.max(limits.connectionWindow, DEFAULT_WINDOW);
    const memory = options.memory ?? new MemoryBudget(limits.maxProcessLength);
    const core = new ConnectionCore<C>(options.role, handler, local, options.buffers, limits, memory, options.now);
    if (options.assumedMaxConcurrentStreams !== undefined) {
      core.peer.maxConcurrentStreams = options.assumedMaxConcurrentStreams;
    }
    this.#core = core;
    this.#receiver = new Receiver<C>(core, options.fields, connectionWindow, options.now);
    this.#watch = new Watch<C>(core);
    if (options.role === 'client') core.writer.preface();
    writeSettings(core.output, local, options.role);
    if (connectionWindow > DEFAULT_WINDOW) core.writer.windowUpdate(0, connectionWindow - DEFAULT_WINDOW);
  }

  /** What the peer announced by SETTINGS. */
  get peer(): Readonly<Settings> {
    return this.#core.peer;
  }

  /** Streams that are not closed. */
  get streamCount(): number {
    return this.#core.streams.size;
  }

  /** Octets of DATA that wait for the peer's windows or for the socket. */
  get queuedLength(): number {
    return this.#core.flow.queuedLength;
  }

  /** DATA waits for the window of the whole connection, or for the socket: that of a new stream would wait as well. */
  get heldUp(): boolean {
    const { flow } = this.#core;
    return flow.queuedLength > 0 && (flow.window <= 0 || flow.paused);
  }

  /** Octets that are held for the peer: {@link Connection.queuedLength}, what the headers of its open calls take, and pieces of frames. */
  get heldLength(): number {
    return this.#core.heldLength;
  }

  /** Whether `request` would be within what the peer allows. */
  get canOpen(): boolean {
    const { draining, peerDraining, failed, streams, peer } = this.#core;
    if (draining || peerDraining || failed) return false;
    return streams.size < peer.maxConcurrentStreams && streams.lastId < MAX_STREAM_ID - 2;
  }

  /**
   * Takes what the socket read. Fields and DATA refer to it: nobody may write to `chunk` afterwards as long as a handler
   * holds on to one of them.
   */
  receive(chunk: Uint8Array): void {
    if (this.#core.failed) return;
    this.#core.heard = true;
    try {
      this.#receiver.receive(chunk);
    } catch (error) {
      this.#fail(error);
    }
    this.#core.announceOutput();
  }

  /**
   * Hands all pending output to `write`, in several pieces when there is much, which returns whether it is done with the
   * octets: if not, it keeps them and the connection goes on with other memory.
   */
  flush(write: Write): void {
    this.#core.outputTaken();
    this.#core.output.flush(write);
  }

  /** Tells whether the socket takes more. While it does not, DATA waits in its streams' queues. */
  setWritable(writable: boolean): void {
    const { flow } = this.#core;
    flow.paused = !writable;
    if (!writable) return;
    flow.pump();
    this.#core.announceOutput();
  }

  /** The socket is gone: every stream ends with `onReset` and cause `connection`. */
  abandon(detail: string): void {
    const core = this.#core;
    if (core.failed) return;
    core.failed = true;
    core.chargeUnfinished(0);
    core.output.reset();
    core.resetAll(ErrorCode.CANCEL, detail);
  }

  /** Opens a stream (client). The caller has checked {@link Connection.canOpen}. */
  request(block: HeaderBlock, endStream: boolean, context: C): Stream<C> {
    const { streams, peer, receiveWindow } = this.#core;
    streams.lastId = streams.lastId === 0 ? 1 : streams.lastId + 2;
    const stream = new Stream<C>(streams.lastId, isHead(block), peer.initialWindowSize, receiveWindow);
    stream.context = context;
    streams.add(stream);
    this.sendHeaders(stream, block, endStream);
    return stream;
  }

  /** Within `onHeaders`: the next thing that the handler hears of is DATA of this stream, and not empty. */
  dataFollows(stream: Stream<C>): boolean {
    return this.#receiver.dataFollows(stream.id);
  }

  /** Sends a response (or a 1xx) header block. */
  sendHeaders(stream: Stream<C>, block: HeaderBlock, endStream: boolean): void {
    if (stream.closed || stream.localClosed) return;
    const core = this.#core;
    core.writer.headers(stream.id, block, endStream);
    if (endStream) core.closeLocal(stream);
    core.announceOutput();
  }

  /** Sends trailers, after the DATA that still waits. */
  sendTrailers(stream: Stream<C>, block: HeaderBlock): void {
    if (stream.closed || stream.localClosed || stream.queuedEnd) return;
    if (!stream.hasQueue) {
      this.sendHeaders(stream, block, true);
      return;
    }
    stream.queuedTrailers = block.retain();
    this.#core.flow.endAfterQueue(stream);
  }

  /**
   * Sends DATA as far as the windows and the socket allow and keeps a copy of the rest. Returns the octets that went at
   * once; `onSent` reports the others. Giving the source its credit back only for those holds a fast sender (§5.2.2).
   */
  sendData(stream: Stream<C>, bytes: Uint8Array, start: number, end: number, endStream: boolean): number {
    if (stream.closed || stream.localClosed || stream.queuedEnd) return end - start;
    if (start === end && !endStream) return 0;
    const core = this.#core;
    const sent = core.flow.send(stream, bytes, start, end, endStream);
    if (core.heldLength > core.limits.maxQueuedLength) {
      core.giveUp(stream, ErrorCode.ENHANCE_YOUR_CALM, 'too much waits for this peer');
    }
    core.announceOutput();
    return sent;
  }

  /** `count` octets that `onData` delivered are out of the way: the peer may send as many again. */
  consume(stream: Stream<C>, count: number): void {
    if (stream.closed || stream.remoteClosed) return;
    this.#receiver.consume(stream, count);
    this.#core.announceOutput();
  }

  /** RST_STREAM. The handler hears nothing more of the stream. */
  reset(stream: Stream<C>, code: number): void {
    if (stream.closed) return;
    this.#core.writer.reset(stream.id, code);
    this.#core.close(stream, true);
    this.#core.announceOutput();
  }

  /**
   * Gives up the streams that hold the most, until half of it is free: for when the process is short of memory. The handler
   * hears of each by `onReset` and cause `stalled`.
   */
  relieve(detail: string): void {
    const core = this.#core;
    const target = core.heldLength / 2;
    const streams = core.streams.all().toSorted((a, b) => b.queuedLength + b.cost - (a.queuedLength + a.cost));
    for (const stream of streams) {
      if (core.heldLength <= target) break;
      if (!stream.closed) core.giveUp(stream, ErrorCode.ENHANCE_YOUR_CALM, detail);
    }
    core.announceOutput();
  }

  /**
   * Begins a graceful shutdown (RFC 9113 §6.8). A server announces it first, and names the last stream it takes after two
   * round trips; a client just opens no more. `onDrained` tells when the last stream is gone.
   */
  drain(): void {
    this.#core.drain();
  }

  /** Visits the streams that are open, oldest first. `visit` may end this one or any other. */
  forEachStream(visit: (stream: Stream<C>) => void): void {
    for (const stream of this.#core.streams.all()) if (!stream.closed) visit(stream);
  }

  /** To be called about once a second, with the same clock as `now`: timeouts and keepalive go by it. */
  tick(now: number): void {
    if (this.#core.failed) return;
    if (this.#core.streams.size === 0) {
      this.#core.rest();
      this.#receiver.rest();
    }
    this.#core.chargeUnfinished(this.#receiver.unfinishedLength);
    try {
      // What we do not read cannot come to its end.
      this.#watch.tick(now, this.#core.flow.paused ? 0 : this.#receiver.unfinished);
    } catch (error) {
      this.#fail(error);
    }
    this.#core.announceOutput();
  }

  #fail(error: unknown): void {
    if (!(error instanceof ConnectionError)) throw error;
    this.#core.fail(error);
  }

  /** Says GOAWAY at once and ends every stream with `onReset`. */
  close(code: number, detail: string): void {
    if (this.#core.failed) return;
    this.#core.shut(code, detail);
    this.#core.announceOutput();
  }
}
