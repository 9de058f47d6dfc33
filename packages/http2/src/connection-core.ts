import { ConnectionError, ErrorCode } from './error-code.ts';
import { Conduct } from './conduct.ts';
import { DEFAULT_WINDOW, MAX_STREAM_ID } from './frame.ts';
import { FrameWriter } from './frame-writer.ts';
import type { ConnectionHandler } from './handler.ts';
import { latin1Bytes } from './hpack/bytes.ts';
import { Encoder } from './hpack/encoder.ts';
import type { Limits } from './limits.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { type BufferPool, Output } from './output.ts';
import { SendFlow, type SendFlowOwner } from './send-flow.ts';
import { initialPeerSettings, type Settings } from './settings.ts';
import type { Stream } from './stream.ts';
import { StreamTable } from './stream-table.ts';

export const DRAIN_PING: Uint8Array = latin1Bytes('goodbye!');

export type Role = 'server' | 'client';

/**
 * What the receiving and the commanding half of a connection share: the streams, the way out, and how streams and the
 * whole connection end.
 */
export class ConnectionCore<C> implements SendFlowOwner<C> {
  readonly role: Role;
  readonly limits: Limits;
  readonly conduct: Conduct;
  readonly handler: ConnectionHandler<C>;
  /** What we announced. */
  readonly local: Settings;
  /** What the peer announced. */
  readonly peer: Settings = initialPeerSettings();
  readonly output: Output;
  readonly encoder: Encoder = new Encoder();
  readonly writer: FrameWriter;
  readonly flow: SendFlow<C>;
  readonly streams: StreamTable<C> = new StreamTable<C>();
  readonly memory: MemoryBudget;
  /** Octets that the requests of open streams are taken to hold. */
  streamCosts = 0;
  /** We want no new streams. */
  draining = false;
  /** The peer wants none from us, or will open none. */
  peerDraining = false;
  /**
   * Window of a new stream of the peer's. What we announce binds once the peer has acknowledged it (RFC 9113 §6.5.3);
   * until then it may go by the default.
   */
  receiveWindow: number;
  /** Preface, SETTINGS and the acknowledgement of ours have come. */
  greeted = false;
  /** Something has arrived since the watch looked; {@link ConnectionCore.heardPongOnly}: nothing but answers to PINGs. */
  heard = false;
  heardPongOnly = true;
  /** Nothing is received or sent any more. */
  failed = false;
  #outputAnnounced = false;
  #unfinishedLength = 0;

  constructor(
    role: Role,
    handler: ConnectionHandler<C>,
    local: Settings,
    buffers: BufferPool,
    limits: Limits,
    memory: MemoryBudget,
    now: () => number,
  ) {
    this.role = role;
    this.memory = memory;
    this.limits = limits;
    this.conduct = new Conduct({
      limits,
      now,
      framesSent: () => this.flow.framesSent + this.writer.blocksSent,
      onLow: () => this.drain(),
    });
    this.handler = handler;
    this.local = local;
    this.receiveWindow = Math.max(local.initialWindowSize, DEFAULT_WINDOW);
    this.output = new Output(buffers);
    this.writer = new FrameWriter(this.output, this.encoder);
    this.flow = new SendFlow<C>(this, this.output, memory);
  }

  sent(stream: Stream<C>, count: number): void {
    this.handler.onSent(stream, count);
  }

  sentAll(stream: Stream<C>): void {
    const trailers = stream.queuedTrailers;
    stream.queuedTrailers = undefined;
    if (trailers !== undefined) this.writer.headers(stream.id, trailers, true);
    this.closeLocal(stream);
  }

  /** Our END_STREAM has gone out. */
  closeLocal(stream: Stream<C>): void {
    stream.localClosed = true;
    if (stream.remoteClosed) {
      this.conduct.streamEnded();
      this.close(stream, false);
    } else if (this.role === 'server') {
      // RFC 9113 §8.1: the response is complete, the rest of the request is not wanted.
      this.writer.reset(stream.id, ErrorCode.NO_ERROR);
      this.close(stream, true);
    }
  }

  /** The peer's END_STREAM has been delivered. */
  closeIfDone(stream: Stream<C>): void {
    if (!stream.localClosed || stream.closed) return;
    this.conduct.streamEnded();
    this.close(stream, false);
  }

  /** @param byUs the peer may not know yet. */
  close(stream: Stream<C>, byUs: boolean): void {
    stream.closed = true;
    this.flow.drop(stream);
    this.streamCosts -= stream.cost;
    this.memory.release(stream.cost);
    this.streams.remove(stream.id, byUs);
    this.reportDrained();
  }

  /** RFC 9113 §5.4.2 */
  streamError(stream: Stream<C>, code: number, detail: string): void {
    this.writer.reset(stream.id, code);
    this.close(stream, true);
    this.handler.onReset(stream, code, 'malformed', detail);
    // The peer has made us do it (MadeYouReset, CVE-2025-8671), so it counts like a reset of its own.
    this.chargeReset();
  }

  /**
   * A stream was reset by the peer or because of it. Servers that reset are not charged: each answers a request of ours, and
   * closing the connection would cost the other calls on it.
   */
  chargeReset(): void {
    if (this.role === 'server') this.conduct.reset();
  }

  /**
   * The stream makes us far more work than it is worth. A caller loses its connection; that to a pod stays.
   *
   * @param late frames that the pod may have sent meanwhile, and that cost it nothing
   */
  calm(stream: Stream<C>, detail: string, late: number): void {
    if (this.role === 'server') throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, detail);
    this.conduct.expectLate(late);
    this.streamError(stream, ErrorCode.ENHANCE_YOUR_CALM, detail);
  }

  /** The stream is in nobody's fault but in the way. */
  giveUp(stream: Stream<C>, code: number, detail: string): void {
    this.writer.reset(stream.id, code);
    this.close(stream, true);
    this.handler.onReset(stream, code, 'stalled', detail);
  }

  /**
   * RFC 9113 §6.8. A server announces the end first, and names the last stream it takes after two round trips; a client just
   * opens no more.
   */
  drain(): void {
    if (this.draining || this.failed) return;
    this.draining = true;
    if (this.role === 'server') {
      this.writer.goAway(MAX_STREAM_ID, ErrorCode.NO_ERROR, '');
      this.writer.ping(DRAIN_PING, 0);
    } else {
      this.writer.goAway(0, ErrorCode.NO_ERROR, '');
    }
    this.announceOutput();
    this.reportDrained();
  }

  /** Octets that this connection holds: DATA that waits, what open requests are taken to hold, and pieces of frames. */
  get heldLength(): number {
    return this.flow.queuedLength + this.streamCosts + this.#unfinishedLength;
  }

  /** Pieces of frames and header blocks: charged for once a second, as most have become whole by then. */
  chargeUnfinished(length: number): void {
    if (length === this.#unfinishedLength) return;
    this.memory.release(this.#unfinishedLength);
    this.#unfinishedLength = length;
    this.memory.charge(length);
  }

  /** Takes a request's stream in. `cost` is charged until it closes. */
  admit(stream: Stream<C>, cost: number): void {
    stream.cost = cost;
    this.streamCosts += cost;
    this.streams.add(stream);
    this.memory.charge(cost);
  }

  /** Refuses a stream of which the handler has not heard, for a reason that its peer has given. */
  refuse(streamId: number, code: number, detail: string): void {
    this.writer.reset(streamId, code);
    this.streams.remove(streamId, true);
    this.handler.onRefused?.(streamId, code, detail);
    this.conduct.reset();
  }

  /** Refuses a stream for our own reasons: it may be sent again elsewhere (RFC 9113 §8.7). */
  giveBack(streamId: number): void {
    this.writer.reset(streamId, ErrorCode.REFUSED_STREAM);
    this.streams.remove(streamId, true);
  }

  reportDrained(): void {
    if (this.streams.size > 0 || this.failed) return;
    // A server that has only announced its shutdown still takes what was on its way.
    const drained = this.draining && (this.role === 'client' || this.streams.lastAccepted !== MAX_STREAM_ID);
    if (drained || this.peerDraining) this.handler.onDrained();
  }

  /** RFC 9113 §5.4.1 */
  fail(error: ConnectionError): void {
    this.shut(error.code, error.message);
    this.handler.onConnectionError(error);
  }

  /** GOAWAY, and the end of every stream. */
  shut(code: number, detail: string): void {
    this.failed = true;
    this.chargeUnfinished(0);
    this.writer.goAway(this.role === 'server' ? this.streams.lastId : 0, code, detail);
    this.resetAll(code, detail);
  }

  resetAll(code: number, detail: string): void {
    for (const stream of this.streams.all()) {
      if (stream.closed) continue;
      this.close(stream, false);
      this.handler.onReset(stream, code, 'connection', detail);
    }
  }

  /** Without streams: holds no memory that only they need. */
  rest(): void {
    this.streams.rest();
    this.encoder.rest();
  }

  announceOutput(): void {
    if (this.#outputAnnounced || this.output.length === 0) return;
    this.#outputAnnounced = true;
    this.handler.onOutput();
  }

  outputTaken(): void {
    this.#outputAnnounced = false;
  }
}

export function protocolError(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.PROTOCOL_ERROR, message);
}
