import { ConnectionError, ErrorCode } from './error-code.ts';
import { Conduct } from './conduct.ts';
import { DEFAULT_WINDOW, MAX_STREAM_ID } from './frame.ts';
import { FrameWriter } from './frame-writer.ts';
import type { ConnectionHandler } from './handler.ts';
import { latin1Bytes } from './hpack/bytes.ts';
import { Encoder } from './hpack/encoder.ts';
import type { Limits } from './limits.ts';
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

  constructor(
    role: Role,
    handler: ConnectionHandler<C>,
    local: Settings,
    buffers: BufferPool,
    limits: Limits,
    now: () => number,
  ) {
    this.role = role;
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
    this.flow = new SendFlow<C>(this, this.output);
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
    this.streams.remove(stream.id, byUs);
    this.reportDrained();
  }

  /** RFC 9113 §5.4.2 */
  streamError(stream: Stream<C>, code: number, detail: string): void {
    this.writer.reset(stream.id, code);
    this.close(stream, true);
    this.handler.onReset(stream, code, 'malformed', detail);
    // The peer has made us do it (MadeYouReset, CVE-2025-8671), so it counts like a reset of its own.
    this.conduct.reset();
  }

  /** The stream is in nobody's fault but in the way. */
  giveUp(stream: Stream<C>, code: number, detail: string): void {
    this.writer.reset(stream.id, code);
    this.close(stream, true);
    this.handler.onReset(stream, code, 'stalled', detail);
  }

  /**
   * RFC 9113 §6.8. A server announces the end first, and names the last stream it takes after one round trip; a client just
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

  /** Refuses a stream of which the handler has not heard. */
  refuse(streamId: number, code: number): void {
    this.writer.reset(streamId, code);
    this.streams.remove(streamId, true);
    this.conduct.reset();
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
