import { type ConnectionCore, protocolError } from './connection-core.ts';
import { ControlReceiver } from './control-receiver.ts';
import { ErrorCode } from './error-code.ts';
import { CLIENT_PREFACE, Flag, FrameType } from './frame.ts';
import { findDoomedStreams } from './doomed-streams.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { FutileFrames } from './futile-frames.ts';
import { Greeting } from './greeting.ts';
import { isHead } from './head.ts';
import { HeaderAssembly } from './header-assembly.ts';
import { Decoder } from './hpack/decoder.ts';
import type { Field } from './hpack/field.ts';
import type { FieldCache } from './hpack/field-cache.ts';
import { HeaderBlock } from './hpack/header-block.ts';
import { Stream } from './stream.ts';

/** About what an open call takes in memory besides its fields, and each field besides its octets. */
const STREAM_COST = 1024;
const FIELD_COST = 96;

/**
 * The receiving half of a connection: octets in, frames checked against the state of their stream, calls on the handler
 * out. Throws a ConnectionError for what the connection cannot survive.
 */
export class Receiver<C> implements FrameSink {
  readonly #core: ConnectionCore<C>;
  readonly #reader: FrameReader;
  readonly #assembly: HeaderAssembly;
  readonly #decoder: Decoder;
  readonly #block: HeaderBlock;
  #prefaceLeft: number;
  /** Of a server, until it is known to speak HTTP/2. */
  #greeting: Greeting | undefined;
  readonly #futile: FutileFrames<C>;
  readonly #control: ControlReceiver<C>;
  /** Streams that the read under way will also reset. */
  #doomed: Set<number> | undefined = undefined;
  readonly #connectionWindow: number;
  /** Octets of DATA on the whole connection for which no WINDOW_UPDATE has gone out yet. */
  #unacknowledged = 0;
  /** The stream of the DATA frame under way, unless its octets are to be dropped. */
  #dataStream: Stream<C> | undefined = undefined;
  #dataEnds = false;
  /** Of the DATA frame under way, and octets of it that have not turned out to be payload: at its end, the padding. */
  #dataPadding = 0;
  #dataLength = 0;

  constructor(core: ConnectionCore<C>, fields: FieldCache, connectionWindow: number, now: () => number) {
    this.#core = core;
    this.#futile = new FutileFrames<C>(core, now);
    this.#assembly = new HeaderAssembly(core.limits.maxHeaderFrames);
    this.#control = new ControlReceiver<C>(core);
    this.#reader = new FrameReader(this);
    this.#decoder = new Decoder(fields);
    this.#block = new HeaderBlock(core.limits.maxHeaderListSize, core.limits.maxHeaderFields);
    this.#prefaceLeft = core.role === 'server' ? CLIENT_PREFACE.length : 0;
    this.#greeting = core.role === 'client' ? new Greeting() : undefined;
    this.#connectionWindow = connectionWindow;
  }

  receive(chunk: Uint8Array): void {
    const rest = this.#prefaceLeft > 0 ? this.#readPreface(chunk) : chunk;
    if (rest.length === 0) return;
    if (this.#core.role === 'server') {
      this.#doomed = this.#reader.betweenFrames ? findDoomedStreams(rest, 0, this.#core.streams.lastId) : undefined;
    }
    if (this.#greeting?.read(rest) === true) this.#greeting = undefined;
    this.#reader.read(rest);
  }

  /** Which header block or frame has begun and not come to its end, as a number of its own; 0 when none has. */
  get unfinished(): number {
    return this.#assembly.streamId === 0 ? this.#reader.cutFrame : -this.#assembly.streamId;
  }

  /** Octets of it. */
  get unfinishedLength(): number {
    return this.#reader.heldLength + this.#assembly.bytes.length;
  }

  /** Nothing is going on: holds no memory that only traffic needs. */
  rest(): void {
    this.#block.forget();
  }

  /** See {@link FrameReader.dataFollows}. */
  dataFollows(streamId: number): boolean {
    return this.#reader.dataFollows(streamId);
  }

  /** The handler is done with `count` octets of the stream's DATA. */
  consume(stream: Stream<C>, count: number): void {
    stream.unacknowledged += count;
    if (stream.unacknowledged * 2 < this.#core.local.initialWindowSize) return;
    stream.receiveWindow += stream.unacknowledged;
    this.#core.writer.windowUpdate(stream.id, stream.unacknowledged);
    stream.unacknowledged = 0;
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    this.#checkOrder(type, flags, streamId);
    const core = this.#core;
    if (type !== FrameType.PING || (flags & Flag.ACK) === 0) core.heardPongOnly = false;
    switch (type) {
      case FrameType.HEADERS:
        if (streamId === 0) throw protocolError('HEADERS on stream 0');
        if (this.#assembly.begin(flags, streamId, bytes, start, end)) this.#onBlock(streamId);
        return;
      case FrameType.CONTINUATION:
        if (start === end) core.conduct.oddity('empty CONTINUATION frames');
        if (this.#assembly.continue(flags, bytes, start, end)) this.#onBlock(streamId);
        return;
      default:
        if (type === FrameType.RST_STREAM) this.#doomed?.delete(streamId);
        this.#control.onFrame(type, flags, streamId, bytes, start, end);
    }
  }

  onDataStart(flags: number, streamId: number, length: number): void {
    this.#checkOrder(FrameType.DATA, flags, streamId);
    if (streamId === 0) throw protocolError('DATA on stream 0');
    // The connection's credit goes back at once, so its window cannot run out: a call that stalls must not hold up the
    // others. What it may pile up is bounded by its stream's window.
    this.#unacknowledged += length;
    if (this.#unacknowledged * 2 >= this.#connectionWindow) {
      this.#core.writer.windowUpdate(0, this.#unacknowledged);
      this.#unacknowledged = 0;
    }
    this.#dataStream = undefined;
    this.#dataEnds = (flags & Flag.END_STREAM) !== 0;
    this.#core.heardPongOnly = false;
    const stream = this.#core.streams.get(streamId);
    if (stream === undefined) {
      if (this.#doomed?.has(streamId) !== true) this.#core.streams.checkClosed(streamId, 'DATA');
      this.#core.conduct.lateFrame();
      return;
    }
    if (stream.remoteClosed) {
      this.#core.streamError(stream, ErrorCode.STREAM_CLOSED, 'DATA after END_STREAM');
      return;
    }
    if (!stream.headersReceived && this.#core.role === 'client') {
      this.#core.streamError(stream, ErrorCode.PROTOCOL_ERROR, 'DATA before the response header');
      return;
    }
    stream.receiveWindow -= length;
    if (stream.receiveWindow < 0) {
      this.#core.streamError(stream, ErrorCode.FLOW_CONTROL_ERROR, 'DATA beyond the window of the stream');
      return;
    }
    // Of a padded frame only its end tells what is in it.
    if (!this.#dataEnds && (flags & Flag.PADDED) === 0 && !this.#futile.onData(stream, length)) return;
    this.#dataLength = length;
    this.#dataPadding = length;
    this.#dataStream = stream;
  }

  onDataPart(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    const stream = this.#dataStream;
    if (stream === undefined || stream.closed) return;
    this.#dataPadding -= end - start;
    if (last && this.#dataPadding > 0 && !this.#endPadding(stream, start === end)) return;
    stream.receivedLength += end - start;
    const ends = last && this.#dataEnds;
    if (stream.expectedLength >= 0) {
      const { receivedLength, expectedLength } = stream;
      if (receivedLength > expectedLength || (ends && receivedLength < expectedLength)) {
        this.#core.streamError(stream, ErrorCode.PROTOCOL_ERROR, wrongLength(stream));
        return;
      }
    }
    if (ends) stream.remoteClosed = true;
    if (start < end || ends) this.#core.handler.onData(stream, bytes, start, end, ends);
    if (last) this.#dataStream = undefined;
    if (ends) this.#core.closeIfDone(stream);
  }

  /**
   * The end of a padded frame. Padding never reaches the handler: its credit is ours to return. False: the stream has been reset
   * for it.
   */
  #endPadding(stream: Stream<C>, alone: boolean): boolean {
    if (!this.#dataEnds && !this.#futile.onData(stream, this.#dataLength - this.#dataPadding)) return false;
    stream.unacknowledged += this.#dataPadding;
    // Else it goes back with that of the octets that come with it.
    if (alone) this.consume(stream, 0);
    return true;
  }

  #readPreface(chunk: Uint8Array): Uint8Array {
    const from = CLIENT_PREFACE.length - this.#prefaceLeft;
    const count = Math.min(this.#prefaceLeft, chunk.length);
    for (let i = 0; i < count; i++) {
      if (chunk[i] !== CLIENT_PREFACE[from + i]) throw protocolError('no HTTP/2 connection preface');
    }
    this.#prefaceLeft -= count;
    return chunk.subarray(count);
  }

  /** RFC 9113 §3.4: SETTINGS come first. §6.10: nothing comes between the parts of a header block. */
  #checkOrder(type: number, flags: number, streamId: number): void {
    if (!this.#control.settingsSeen) {
      if (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0)
        throw protocolError('the first frame is no SETTINGS');
    }
    const expected = this.#assembly.streamId;
    if ((expected !== 0) !== (type === FrameType.CONTINUATION) || (expected !== 0 && streamId !== expected)) {
      throw protocolError(expected === 0 ? 'CONTINUATION without HEADERS' : 'a frame inside a header block');
    }
  }

  /** A header block is complete. It is decoded whatever becomes of it, or the table would go wrong (RFC 7541 §2.2). */
  #onBlock(streamId: number): void {
    const stream = this.#core.streams.get(streamId);
    const block = this.#block;
    if (stream?.headersReceived === true) block.begin('trailers');
    else block.begin(this.#core.role === 'server' ? 'request' : 'response');
    const { bytes, start, end, endStream, dependency } = this.#assembly;
    this.#decoder.decode(bytes, start, end, block);
    block.finish();
    if (stream !== undefined) this.#onStreamBlock(stream, block, endStream, dependency);
    else if (this.#core.role === 'server' && streamId > this.#core.streams.lastId)
      this.#onRequest(streamId, block, endStream, dependency);
    else if (this.#doomed?.has(streamId) !== true) {
      this.#core.streams.checkClosed(streamId, 'HEADERS');
      this.#core.conduct.lateFrame();
    }
    this.#assembly.clear();
  }

  #onRequest(streamId: number, block: HeaderBlock, endStream: boolean, dependency: number): void {
    if (streamId % 2 === 0) throw protocolError(`a client opened the even stream ${streamId}`);
    if (streamId > this.#core.streams.lastAccepted) {
      this.#core.conduct.lateFrame();
      return;
    }
    this.#core.streams.open(streamId);
    this.#core.conduct.streamOpened();
    if (this.#doomed?.has(streamId)) {
      this.#core.streams.remove(streamId, false);
      this.#core.conduct.reset();
      return;
    }
    if (this.#core.streams.size >= this.#core.local.maxConcurrentStreams) {
      this.#core.refuse(streamId, ErrorCode.REFUSED_STREAM, 'more streams than maxConcurrentStreams');
      return;
    }
    if (dependency === streamId || block.problem !== undefined) {
      this.#core.refuse(streamId, ErrorCode.PROTOCOL_ERROR, block.problem ?? 'the stream depends on itself');
      return;
    }
    const cost = STREAM_COST + FIELD_COST * block.count + block.size;
    if (this.#core.memory.exhausted) {
      // Not by the fault of this peer, so it is not charged for it.
      this.#core.memory.refusedStreams++;
      this.#core.giveBack(streamId);
      return;
    }
    if (this.#core.heldLength + cost > this.#core.limits.maxQueuedLength) {
      this.#core.refuse(streamId, ErrorCode.REFUSED_STREAM, 'its connection holds more than maxQueuedLength');
      return;
    }
    const stream = new Stream<C>(streamId, isHead(block), this.#core.peer.initialWindowSize, this.#core.receiveWindow);
    stream.headersReceived = true;
    stream.expectedLength = block.contentLength;
    if (endStream && block.contentLength > 0) {
      this.#core.refuse(streamId, ErrorCode.PROTOCOL_ERROR, wrongLength(stream));
      return;
    }
    this.#core.admit(stream, cost);
    stream.remoteClosed = endStream;
    this.#core.handler.onHeaders(stream, block, endStream);
    if (endStream) this.#core.closeIfDone(stream);
  }

  #onStreamBlock(stream: Stream<C>, block: HeaderBlock, endStream: boolean, dependency: number): void {
    if (stream.remoteClosed) {
      this.#core.streamError(stream, ErrorCode.STREAM_CLOSED, 'HEADERS after END_STREAM');
      return;
    }
    const problem = dependency === stream.id ? 'the stream depends on itself' : block.problem;
    if (problem !== undefined) {
      this.#core.streamError(stream, ErrorCode.PROTOCOL_ERROR, problem);
      return;
    }
    if (stream.headersReceived) this.#onTrailers(stream, block, endStream);
    else this.#onResponse(stream, block, endStream);
  }

  #onTrailers(stream: Stream<C>, block: HeaderBlock, endStream: boolean): void {
    if (!endStream) {
      this.#core.streamError(stream, ErrorCode.PROTOCOL_ERROR, 'trailers without END_STREAM');
      return;
    }
    if (stream.expectedLength >= 0 && stream.receivedLength !== stream.expectedLength) {
      this.#core.streamError(stream, ErrorCode.PROTOCOL_ERROR, wrongLength(stream));
      return;
    }
    stream.remoteClosed = true;
    this.#core.handler.onTrailers(stream, block);
    this.#core.closeIfDone(stream);
  }

  #onResponse(stream: Stream<C>, block: HeaderBlock, endStream: boolean): void {
    const { status } = block;
    const informational = status !== undefined && status.staticIndex === 0 && status.text < '2';
    if (informational && endStream) {
      this.#core.streamError(stream, ErrorCode.PROTOCOL_ERROR, 'a 1xx response that ends the stream');
      return;
    }
    // They go on to our own peer, and no window holds them back.
    if (informational && !this.#futile.onInterim(stream)) return;
    stream.headersReceived = !informational;
    if (!informational) {
      stream.expectedLength = stream.head || hasNoContent(status) ? 0 : block.contentLength;
      if (endStream && stream.expectedLength > 0) {
        this.#core.streamError(stream, ErrorCode.PROTOCOL_ERROR, wrongLength(stream));
        return;
      }
    }
    stream.remoteClosed = endStream;
    this.#core.handler.onHeaders(stream, block, endStream);
    if (endStream) this.#core.closeIfDone(stream);
  }
}

/** RFC 9110 §6.4.1, §8.6: what a 204 or 304 says of its length is not about this message. */
function hasNoContent(status: Field | undefined): boolean {
  return status !== undefined && (status.text === '204' || status.text === '304');
}

function wrongLength({ receivedLength, expectedLength }: Stream<unknown>): string {
  return `${receivedLength} octets of content where there have to be ${expectedLength}`;
}
