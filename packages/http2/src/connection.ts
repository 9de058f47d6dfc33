import { ClosedStreams } from './closed-streams.ts';
import { ConnectionError, ErrorCode } from './error-code.ts';
import {
  CLIENT_PREFACE,
  DEFAULT_WINDOW,
  Flag,
  FrameType,
  MAX_STREAM_ID,
  MAX_WINDOW,
  putFrameHeader,
  FRAME_HEADER_LENGTH,
  readUint32,
  writeFrameHeader,
  writeUint32,
} from './frame.ts';
import { FrameReader } from './frame-reader.ts';
import type { ConnectionHandler } from './handler.ts';
import { HeaderAssembly } from './header-assembly.ts';
import { latin1Bytes, latin1Text } from './hpack/bytes.ts';
import { Decoder } from './hpack/decoder.ts';
import { Encoder } from './hpack/encoder.ts';
import type { FieldCache } from './hpack/field-cache.ts';
import { HeaderBlock } from './hpack/header-block.ts';
import { type BufferPool, Output } from './output.ts';
import { SendFlow } from './send-flow.ts';
import { initialPeerSettings, readSettings, type Settings, writeSettings, writeSettingsAck } from './settings.ts';
import { Stream } from './stream.ts';

export interface ConnectionOptions {
  readonly role: 'server' | 'client';
  /** Shared by all connections of a process. */
  readonly fields: FieldCache;
  readonly buffers: BufferPool;
  /** Streams the peer may have open at once (server). Default 1024: gRPC clients queue in silence above it. */
  readonly maxConcurrentStreams?: number;
  /** Octets a peer may send on a stream before it hears from us: what one stalled call can hold. Default 256 KiB. */
  readonly streamWindow?: number;
  /** The same for the whole connection. Default 4 MiB. */
  readonly connectionWindow?: number;
  /** Largest header list accepted, in octets as RFC 9113 §6.5.2 counts. Default 64 KiB. */
  readonly maxHeaderListSize?: number;
}

const DRAIN_PING: Uint8Array = latin1Bytes('goodbye!');

/**
 * One HTTP/2 connection without any I/O (RFC 9113): octets go in by `receive`, calls on the handler come out; commands go
 * in, octets come out by `flush`. It has no clock and owns no socket.
 */
export class Connection<C> {
  readonly role: 'server' | 'client';
  readonly peer: Settings = initialPeerSettings();
  /** We want no new streams. */
  draining = false;
  /** The peer wants none from us, or will open none. */
  peerDraining = false;
  readonly #handler: ConnectionHandler<C>;
  readonly #local: Settings;
  readonly #output: Output;
  readonly #reader: FrameReader;
  readonly #assembly = new HeaderAssembly();
  readonly #decoder: Decoder;
  readonly #encoder = new Encoder();
  readonly #block: HeaderBlock;
  readonly #flow: SendFlow<C>;
  readonly #streams = new Map<number, Stream<C>>();
  readonly #closed = new ClosedStreams();
  #failed = false;
  #outputAnnounced = false;
  #prefaceLeft: number;
  #settingsSeen = false;
  /** The highest id the peer has opened (server), or that we have (client). */
  #lastStreamId = 0;
  /** Above this, streams of the peer are ignored: we have said our last GOAWAY. */
  #lastAccepted = MAX_STREAM_ID;
  readonly #connectionWindow: number;
  #receiveWindow: number;
  #unacknowledged = 0;
  /** The stream of the DATA frame under way, unless its octets are to be dropped. */
  #dataStream: Stream<C> | undefined = undefined;
  #dataEnds = false;
  /** Octets of the frame under way that are padding, as far as can be told: all that is not yet payload. */
  #dataPadding = 0;

  constructor(handler: ConnectionHandler<C>, options: ConnectionOptions) {
    this.role = options.role;
    this.#handler = handler;
    this.#local = {
      ...initialPeerSettings(),
      maxConcurrentStreams: options.maxConcurrentStreams ?? 1024,
      initialWindowSize: options.streamWindow ?? 262_144,
      maxHeaderListSize: options.maxHeaderListSize ?? 65_536,
    };
    this.#output = new Output(options.buffers);
    this.#reader = new FrameReader(this);
    this.#decoder = new Decoder(options.fields);
    this.#block = new HeaderBlock(this.#local.maxHeaderListSize);
    this.#flow = new SendFlow<C>(this, this.#output);
    this.#prefaceLeft = options.role === 'server' ? CLIENT_PREFACE.length : 0;
    this.#connectionWindow = Math.max(options.connectionWindow ?? 4_194_304, DEFAULT_WINDOW);
    this.#receiveWindow = this.#connectionWindow;
    this.#greet();
  }

  /** Streams that are not closed. */
  get streamCount(): number {
    return this.#streams.size;
  }

  /** Octets of DATA that wait for the peer's windows or for the socket. */
  get queuedLength(): number {
    return this.#flow.queuedLength;
  }

  /** Whether `request` would be within what the peer allows. */
  get canOpen(): boolean {
    return (
      !this.draining &&
      !this.peerDraining &&
      !this.#failed &&
      this.#streams.size < this.peer.maxConcurrentStreams &&
      this.#lastStreamId < MAX_STREAM_ID - 2
    );
  }

  // ---- octets -----------------------------------------------------------------------------------------------------

  /** Takes what the socket read. `chunk` is not kept. */
  receive(chunk: Uint8Array): void {
    if (this.#failed) return;
    try {
      const rest = this.#prefaceLeft > 0 ? this.#readPreface(chunk) : chunk;
      if (rest.length > 0) this.#reader.read(rest);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#fail(error);
    }
    this.#announceOutput();
  }

  /**
   * Hands all pending output to `write`, which returns whether it is done with the octets: if not, it keeps them and the
   * connection goes on with other memory.
   */
  flush(write: (bytes: Uint8Array) => boolean): void {
    this.#outputAnnounced = false;
    const output = this.#output;
    if (output.length === 0) return;
    if (write(output.buffer.subarray(0, output.length))) output.reset();
    else output.detach();
  }

  /** Tells whether the socket takes more. While it does not, DATA waits in its streams' queues. */
  setWritable(writable: boolean): void {
    this.#flow.paused = !writable;
    if (writable) {
      this.#flow.pump();
      this.#announceOutput();
    }
  }

  /** The socket is gone: every stream ends with `onReset` and cause `connection`. */
  abandon(detail: string): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#output.reset();
    this.#resetAll(ErrorCode.CANCEL, detail);
  }

  // ---- commands ---------------------------------------------------------------------------------------------------

  /** Opens a stream (client). The caller has checked {@link Connection.canOpen}. */
  request(block: HeaderBlock, endStream: boolean, context: C): Stream<C> {
    this.#lastStreamId = this.#lastStreamId === 0 ? 1 : this.#lastStreamId + 2;
    const stream = new Stream<C>(this.#lastStreamId, this.peer.initialWindowSize, this.#local.initialWindowSize);
    stream.context = context;
    this.#streams.set(stream.id, stream);
    this.sendHeaders(stream, block, endStream);
    return stream;
  }

  /** Sends a response (or a 1xx) header block. */
  sendHeaders(stream: Stream<C>, block: HeaderBlock, endStream: boolean): void {
    if (stream.closed || stream.localClosed) return;
    this.#writeHeaders(stream.id, block, endStream);
    if (endStream) this.#closeLocal(stream);
    this.#announceOutput();
  }

  /** Sends trailers, after the DATA that still waits. */
  sendTrailers(stream: Stream<C>, block: HeaderBlock): void {
    if (stream.closed || stream.localClosed || stream.queuedEnd) return;
    if (!stream.hasQueue) {
      this.sendHeaders(stream, block, true);
      return;
    }
    stream.queuedTrailers = block.retain();
    this.#flow.endAfterQueue(stream);
  }

  /**
   * Sends DATA as far as the windows and the socket allow and keeps a copy of the rest. Returns the octets that went at
   * once; `onSent` reports the others. Giving the source its credit back only for those holds a fast sender (§5.2.2).
   */
  sendData(stream: Stream<C>, bytes: Uint8Array, start: number, end: number, endStream: boolean): number {
    if (stream.closed || stream.localClosed || stream.queuedEnd) return end - start;
    if (start === end && !endStream) return 0;
    const sent = this.#flow.send(stream, bytes, start, end, endStream);
    this.#announceOutput();
    return sent;
  }

  /** `count` octets that `onData` delivered are out of the way: the peer may send as many again. */
  consume(stream: Stream<C>, count: number): void {
    if (stream.closed || stream.remoteClosed) return;
    stream.unacknowledged += count;
    if (stream.unacknowledged * 2 < this.#local.initialWindowSize) return;
    stream.receiveWindow += stream.unacknowledged;
    this.#writeWindowUpdate(stream.id, stream.unacknowledged);
    stream.unacknowledged = 0;
    this.#announceOutput();
  }

  /** RST_STREAM. The handler hears nothing more of the stream. */
  reset(stream: Stream<C>, code: number): void {
    if (stream.closed) return;
    this.#writeReset(stream.id, code);
    this.#close(stream);
    this.#announceOutput();
  }

  /**
   * Begins a graceful shutdown (RFC 9113 §6.8). A server announces it first, and names the last stream it takes after one
   * round trip; a client just opens no more.
   */
  drain(): void {
    if (this.draining || this.#failed) return;
    this.draining = true;
    if (this.role === 'server') {
      this.#writeGoAway(MAX_STREAM_ID, ErrorCode.NO_ERROR, '');
      writeFrameHeader(this.#output, 8, FrameType.PING, 0, 0);
      this.#output.buffer.set(DRAIN_PING, this.#output.length);
      this.#output.length += 8;
    } else {
      this.#writeGoAway(0, ErrorCode.NO_ERROR, '');
    }
    this.#announceOutput();
    this.#reportDrained();
  }

  /** Says GOAWAY at once and ends every stream with `onReset`. */
  close(code: number, detail: string): void {
    if (this.#failed) return;
    this.#fail(new ConnectionError(code, detail), false);
    this.#announceOutput();
  }

  // ---- SendFlowOwner ----------------------------------------------------------------------------------------------

  /** @internal */
  sent(stream: Stream<C>, count: number): void {
    this.#handler.onSent(stream, count);
  }

  /** @internal */
  sentAll(stream: Stream<C>): void {
    const trailers = stream.queuedTrailers;
    stream.queuedTrailers = undefined;
    if (trailers !== undefined) this.#writeHeaders(stream.id, trailers, true);
    this.#closeLocal(stream);
  }

  // ---- FrameSink --------------------------------------------------------------------------------------------------

  /** @internal */
  onFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    this.#checkOrder(type, flags, streamId);
    switch (type) {
      case FrameType.HEADERS:
        if (streamId === 0) throw protocolError('HEADERS on stream 0');
        if (this.#assembly.begin(flags, streamId, bytes, start, end)) this.#onBlock(streamId);
        return;
      case FrameType.CONTINUATION:
        if (this.#assembly.continue(flags, bytes, start, end)) this.#onBlock(streamId);
        return;
      case FrameType.RST_STREAM:
        this.#onReset(streamId, bytes, start, end);
        return;
      case FrameType.WINDOW_UPDATE:
        this.#onWindowUpdate(streamId, bytes, start, end);
        return;
      case FrameType.SETTINGS:
        this.#onSettings(flags, streamId, bytes, start, end);
        return;
      case FrameType.PING:
        this.#onPing(flags, streamId, bytes, start, end);
        return;
      case FrameType.GOAWAY:
        this.#onGoAway(streamId, bytes, start, end);
        return;
      case FrameType.PRIORITY:
        this.#onPriority(streamId, bytes, start, end);
        return;
      case FrameType.PUSH_PROMISE:
        // A client may never push (§8.4), and we have switched it off as one.
        throw protocolError('PUSH_PROMISE');
      default:
      // RFC 9113 §4.1: unknown types are ignored.
    }
  }

  /** @internal */
  onDataStart(flags: number, streamId: number, length: number): void {
    this.#checkOrder(FrameType.DATA, flags, streamId);
    if (streamId === 0) throw protocolError('DATA on stream 0');
    this.#receiveWindow -= length;
    if (this.#receiveWindow < 0) {
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'DATA beyond the window of the connection');
    }
    // The connection's credit goes back at once: a call that stalls must not hold up the others. What it may pile up is
    // bounded by its stream's window.
    this.#unacknowledged += length;
    if (this.#unacknowledged * 2 >= this.#connectionWindow) {
      this.#receiveWindow += this.#unacknowledged;
      this.#writeWindowUpdate(0, this.#unacknowledged);
      this.#unacknowledged = 0;
    }
    this.#dataStream = undefined;
    this.#dataEnds = (flags & Flag.END_STREAM) !== 0;
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      this.#checkClosed(streamId, 'DATA');
      return;
    }
    if (stream.remoteClosed) {
      this.#streamError(stream, ErrorCode.STREAM_CLOSED, 'DATA after END_STREAM');
      return;
    }
    if (!stream.headersReceived && this.role === 'client') {
      this.#streamError(stream, ErrorCode.PROTOCOL_ERROR, 'DATA before the response header');
      return;
    }
    stream.receiveWindow -= length;
    if (stream.receiveWindow < 0) {
      this.#streamError(stream, ErrorCode.FLOW_CONTROL_ERROR, 'DATA beyond the window of the stream');
      return;
    }
    this.#dataPadding = length;
    this.#dataStream = stream;
  }

  /** @internal */
  onDataPart(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    const stream = this.#dataStream;
    if (stream === undefined || stream.closed) return;
    this.#dataPadding -= end - start;
    // Padding never reaches the handler: its credit is ours to return.
    if (last) stream.unacknowledged += this.#dataPadding;
    stream.receivedLength += end - start;
    const ends = last && this.#dataEnds;
    if (stream.expectedLength >= 0) {
      const { receivedLength, expectedLength } = stream;
      if (receivedLength > expectedLength || (ends && receivedLength < expectedLength)) {
        const detail = `${receivedLength} octets where content-length says ${expectedLength}`;
        this.#streamError(stream, ErrorCode.PROTOCOL_ERROR, detail);
        return;
      }
    }
    if (ends) stream.remoteClosed = true;
    if (start < end || ends) this.#handler.onData(stream, bytes, start, end, ends);
    if (last) this.#dataStream = undefined;
    if (ends) this.#closeIfDone(stream);
  }

  // ---- receiving --------------------------------------------------------------------------------------------------

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
    if (!this.#settingsSeen) {
      if (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0) throw protocolError('the first frame is no SETTINGS');
    }
    const expected = this.#assembly.streamId;
    if ((expected !== 0) !== (type === FrameType.CONTINUATION) || (expected !== 0 && streamId !== expected)) {
      throw protocolError(expected === 0 ? 'CONTINUATION without HEADERS' : 'a frame inside a header block');
    }
  }

  /** A header block is complete. It is decoded whatever becomes of it, or the table would go wrong (RFC 7541 §2.2). */
  #onBlock(streamId: number): void {
    const stream = this.#streams.get(streamId);
    const block = this.#block;
    if (stream?.headersReceived === true) block.begin('trailers');
    else block.begin(this.role === 'server' ? 'request' : 'response');
    const { bytes, start, end, endStream, dependency } = this.#assembly;
    this.#decoder.decode(bytes, start, end, block);
    block.finish();
    if (stream !== undefined) this.#onStreamBlock(stream, block, endStream, dependency);
    else if (this.role === 'server' && streamId > this.#lastStreamId) this.#onRequest(streamId, block, endStream, dependency);
    else this.#checkClosed(streamId, 'HEADERS');
    this.#assembly.clear();
  }

  #onRequest(streamId: number, block: HeaderBlock, endStream: boolean, dependency: number): void {
    if (streamId % 2 === 0) throw protocolError(`a client opened the even stream ${streamId}`);
    if (streamId > this.#lastStreamId + 2) this.#closed.rememberGap(this.#lastStreamId + 1, streamId - 1);
    if (streamId > this.#lastAccepted) return;
    this.#lastStreamId = streamId;
    if (this.#streams.size >= this.#local.maxConcurrentStreams) {
      this.#refuse(streamId, ErrorCode.REFUSED_STREAM);
      return;
    }
    if (dependency === streamId || block.problem !== undefined) {
      this.#refuse(streamId, ErrorCode.PROTOCOL_ERROR);
      return;
    }
    const stream = new Stream<C>(streamId, this.peer.initialWindowSize, this.#local.initialWindowSize);
    stream.headersReceived = true;
    stream.expectedLength = block.contentLength;
    if (endStream && block.contentLength > 0) {
      this.#refuse(streamId, ErrorCode.PROTOCOL_ERROR);
      return;
    }
    this.#streams.set(streamId, stream);
    stream.remoteClosed = endStream;
    this.#handler.onHeaders(stream, block, endStream);
    if (endStream) this.#closeIfDone(stream);
  }

  /** Refuses a stream of which the handler has not heard. */
  #refuse(streamId: number, code: number): void {
    this.#writeReset(streamId, code);
    this.#closed.rememberReset(streamId);
  }

  #onStreamBlock(stream: Stream<C>, block: HeaderBlock, endStream: boolean, dependency: number): void {
    if (stream.remoteClosed) {
      this.#streamError(stream, ErrorCode.STREAM_CLOSED, 'HEADERS after END_STREAM');
      return;
    }
    const problem = dependency === stream.id ? 'the stream depends on itself' : block.problem;
    if (problem !== undefined) {
      this.#streamError(stream, ErrorCode.PROTOCOL_ERROR, problem);
      return;
    }
    if (stream.headersReceived) this.#onTrailers(stream, block, endStream);
    else this.#onResponse(stream, block, endStream);
  }

  #onTrailers(stream: Stream<C>, block: HeaderBlock, endStream: boolean): void {
    if (!endStream) {
      this.#streamError(stream, ErrorCode.PROTOCOL_ERROR, 'trailers without END_STREAM');
      return;
    }
    if (stream.expectedLength >= 0 && stream.receivedLength !== stream.expectedLength) {
      const detail = `${stream.receivedLength} octets where content-length says ${stream.expectedLength}`;
      this.#streamError(stream, ErrorCode.PROTOCOL_ERROR, detail);
      return;
    }
    stream.remoteClosed = true;
    this.#handler.onTrailers(stream, block);
    this.#closeIfDone(stream);
  }

  #onResponse(stream: Stream<C>, block: HeaderBlock, endStream: boolean): void {
    const informational = block.status !== undefined && block.status.staticIndex === 0 && block.status.text < '2';
    if (informational && endStream) {
      this.#streamError(stream, ErrorCode.PROTOCOL_ERROR, 'a 1xx response that ends the stream');
      return;
    }
    stream.headersReceived = !informational;
    // RFC 9110 §8.6: what a 204 or 304 says of its length is not about this message.
    if (!endStream) stream.expectedLength = block.contentLength;
    stream.remoteClosed = endStream;
    this.#handler.onHeaders(stream, block, endStream);
    if (endStream) this.#closeIfDone(stream);
  }

  #onReset(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== 4) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'RST_STREAM of a wrong length');
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      if (streamId === 0 || this.#isIdle(streamId)) throw protocolError('RST_STREAM on an idle stream');
      return;
    }
    this.#close(stream, false);
    const code = readUint32(bytes, start);
    this.#handler.onReset(stream, code, 'peer', '');
  }

  #onWindowUpdate(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== 4) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'WINDOW_UPDATE of a wrong length');
    const increment = readUint32(bytes, start) & 0x7fffffff;
    if (streamId === 0) {
      if (increment === 0) throw protocolError('WINDOW_UPDATE of 0');
      if (!this.#flow.widen(increment)) {
        throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'the window of the connection passes 2^31 - 1');
      }
      this.#flow.pump();
      return;
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      if (this.#isIdle(streamId)) throw protocolError('WINDOW_UPDATE on an idle stream');
      return;
    }
    if (increment === 0) {
      this.#streamError(stream, ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE of 0');
      return;
    }
    stream.sendWindow += increment;
    if (stream.sendWindow > MAX_WINDOW) {
      this.#streamError(stream, ErrorCode.FLOW_CONTROL_ERROR, 'the window of the stream passes 2^31 - 1');
      return;
    }
    if (stream.hasQueue) this.#flow.resume(stream);
  }

  #onSettings(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId !== 0) throw protocolError('SETTINGS on a stream');
    if ((flags & Flag.ACK) !== 0) {
      if (start !== end) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'SETTINGS acknowledgement with a payload');
      return;
    }
    if ((end - start) % 6 !== 0) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'SETTINGS of a wrong length');
    const { peer } = this;
    const windowBefore = peer.initialWindowSize;
    if (!this.#settingsSeen) {
      this.#settingsSeen = true;
      // RFC 9113 §6.5.2: without a word on it there is no limit.
      peer.maxConcurrentStreams = Infinity;
    }
    readSettings(bytes, start, end, peer);
    this.#encoder.setMaximumSize(peer.headerTableSize);
    this.#flow.maxFrameSize = Math.min(peer.maxFrameSize, 65_536);
    this.#shiftWindows(peer.initialWindowSize - windowBefore);
    writeSettingsAck(this.#output);
    this.#handler.onSettings();
  }

  /** RFC 9113 §6.9.2: the change applies to the streams there are, whose windows may become negative. */
  #shiftWindows(delta: number): void {
    if (delta === 0) return;
    for (const stream of this.#streams.values()) {
      stream.sendWindow += delta;
      if (stream.sendWindow > MAX_WINDOW) {
        throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'SETTINGS push a window past 2^31 - 1');
      }
    }
    if (delta > 0) for (const stream of this.#streams.values()) if (stream.hasQueue) this.#flow.resume(stream);
  }

  #onPing(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId !== 0) throw protocolError('PING on a stream');
    if (end - start !== 8) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'PING of a wrong length');
    if ((flags & Flag.ACK) === 0) {
      writeFrameHeader(this.#output, 8, FrameType.PING, Flag.ACK, 0);
      this.#output.buffer.set(bytes.subarray(start, end), this.#output.length);
      this.#output.length += 8;
    } else if (this.draining && this.role === 'server' && this.#lastAccepted === MAX_STREAM_ID) {
      // Our announcement has made its round trip: what is coming now was sent in its knowledge.
      this.#lastAccepted = this.#lastStreamId;
      this.#writeGoAway(this.#lastStreamId, ErrorCode.NO_ERROR, '');
      this.#reportDrained();
    }
  }

  #onGoAway(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId !== 0) throw protocolError('GOAWAY on a stream');
    if (end - start < 8) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'GOAWAY of a wrong length');
    const lastStreamId = readUint32(bytes, start) & 0x7fffffff;
    const code = readUint32(bytes, start + 4);
    this.peerDraining = true;
    this.#handler.onGoAway(lastStreamId, code, latin1Text(bytes, start + 8, Math.min(end, start + 264)));
    if (this.role === 'client') {
      for (const stream of [...this.#streams.values()]) {
        if (stream.id <= lastStreamId || stream.closed) continue;
        this.#close(stream);
        this.#handler.onReset(stream, ErrorCode.REFUSED_STREAM, 'unprocessed', 'GOAWAY');
      }
    }
    this.#reportDrained();
  }

  #onPriority(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId === 0) throw protocolError('PRIORITY on stream 0');
    const stream = this.#streams.get(streamId);
    if (end - start !== 5) {
      if (stream !== undefined) this.#streamError(stream, ErrorCode.FRAME_SIZE_ERROR, 'PRIORITY of a wrong length');
      else this.#refuse(streamId, ErrorCode.FRAME_SIZE_ERROR);
      return;
    }
    if ((readUint32(bytes, start) & 0x7fffffff) !== streamId) return;
    if (stream !== undefined) this.#streamError(stream, ErrorCode.PROTOCOL_ERROR, 'the stream depends on itself');
    else this.#refuse(streamId, ErrorCode.PROTOCOL_ERROR);
  }

  // ---- states -----------------------------------------------------------------------------------------------------

  #isIdle(streamId: number): boolean {
    // Streams of the other side's parity never existed: nobody pushes here.
    return streamId % 2 === 0 || streamId > this.#lastStreamId;
  }

  /** A HEADERS or DATA frame for an id that has no stream: ignorable, or a connection error (RFC 9113 §5.1). */
  #checkClosed(streamId: number, what: string): void {
    if (streamId > this.#lastAccepted && this.role === 'server') return;
    if (this.#isIdle(streamId)) throw protocolError(`${what} on an idle stream`);
    if (this.#closed.wasReset(streamId)) return;
    if (this.#closed.wasSkipped(streamId)) throw protocolError(`${what} on a stream id that was passed over`);
    throw new ConnectionError(ErrorCode.STREAM_CLOSED, `${what} on a closed stream`);
  }

  #closeLocal(stream: Stream<C>): void {
    stream.localClosed = true;
    if (stream.remoteClosed) {
      this.#close(stream, false);
    } else if (this.role === 'server') {
      // RFC 9113 §8.1: the response is complete, the rest of the request is not wanted.
      this.#writeReset(stream.id, ErrorCode.NO_ERROR);
      this.#close(stream);
    }
  }

  #closeIfDone(stream: Stream<C>): void {
    if (stream.localClosed && !stream.closed) this.#close(stream, false);
  }

  /** @param byUs the peer may not know yet. */
  #close(stream: Stream<C>, byUs = true): void {
    if (byUs) this.#closed.rememberReset(stream.id);
    stream.closed = true;
    this.#flow.drop(stream);
    this.#streams.delete(stream.id);
    this.#reportDrained();
  }

  #streamError(stream: Stream<C>, code: number, detail: string): void {
    this.#writeReset(stream.id, code);
    this.#close(stream);
    this.#handler.onReset(stream, code, 'malformed', detail);
  }

  #reportDrained(): void {
    if (this.#streams.size > 0 || this.#failed) return;
    // A server that has only announced its shutdown still takes what was on its way.
    const drained = this.draining && (this.role === 'client' || this.#lastAccepted !== MAX_STREAM_ID);
    if (drained || this.peerDraining) this.#handler.onDrained();
  }

  #fail(error: ConnectionError, report = true): void {
    this.#failed = true;
    this.#writeGoAway(this.role === 'server' ? this.#lastStreamId : 0, error.code, error.message);
    this.#resetAll(error.code, error.message);
    if (report) this.#handler.onConnectionError(error);
  }

  #resetAll(code: number, detail: string): void {
    for (const stream of [...this.#streams.values()]) {
      if (stream.closed) continue;
      this.#close(stream, false);
      this.#handler.onReset(stream, code, 'connection', detail);
    }
  }

  // ---- sending ----------------------------------------------------------------------------------------------------

  #greet(): void {
    const output = this.#output;
    if (this.role === 'client') {
      output.ensure(CLIENT_PREFACE.length);
      output.buffer.set(CLIENT_PREFACE, output.length);
      output.length += CLIENT_PREFACE.length;
    }
    writeSettings(output, this.#local, this.role);
    if (this.#connectionWindow > DEFAULT_WINDOW) this.#writeWindowUpdate(0, this.#connectionWindow - DEFAULT_WINDOW);
  }

  #announceOutput(): void {
    if (this.#outputAnnounced || this.#output.length === 0) return;
    this.#outputAnnounced = true;
    this.#handler.onOutput();
  }

  #writeHeaders(streamId: number, block: HeaderBlock, endStream: boolean): void {
    const output = this.#output;
    const at = output.length;
    output.ensure(FRAME_HEADER_LENGTH);
    output.length += FRAME_HEADER_LENGTH;
    this.#encoder.encode(block.fields, block.count, output);
    const length = output.length - at - FRAME_HEADER_LENGTH;
    const endFlag = endStream ? Flag.END_STREAM : 0;
    if (length <= this.#flow.maxFrameSize) {
      putFrameHeader(output.buffer, at, length, FrameType.HEADERS, Flag.END_HEADERS | endFlag, streamId);
      return;
    }
    const encoded = output.buffer.slice(at + FRAME_HEADER_LENGTH, output.length);
    output.length = at;
    for (let from = 0; from < length; from += this.#flow.maxFrameSize) {
      const part = encoded.subarray(from, from + this.#flow.maxFrameSize);
      const type = from === 0 ? FrameType.HEADERS : FrameType.CONTINUATION;
      const last = from + part.length === length ? Flag.END_HEADERS : 0;
      writeFrameHeader(output, part.length, type, last | (from === 0 ? endFlag : 0), streamId);
      output.buffer.set(part, output.length);
      output.length += part.length;
    }
  }

  #writeReset(streamId: number, code: number): void {
    writeFrameHeader(this.#output, 4, FrameType.RST_STREAM, 0, streamId);
    writeUint32(this.#output, code);
  }

  #writeWindowUpdate(streamId: number, increment: number): void {
    writeFrameHeader(this.#output, 4, FrameType.WINDOW_UPDATE, 0, streamId);
    writeUint32(this.#output, increment);
  }

  #writeGoAway(lastStreamId: number, code: number, debug: string): void {
    const output = this.#output;
    const text = latin1Bytes(debug.slice(0, 255));
    writeFrameHeader(output, 8 + text.length, FrameType.GOAWAY, 0, 0);
    writeUint32(output, lastStreamId);
    writeUint32(output, code);
    output.buffer.set(text, output.length);
    output.length += text.length;
  }
}

function protocolError(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.PROTOCOL_ERROR, message);
}
