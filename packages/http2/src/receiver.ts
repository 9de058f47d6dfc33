import { type ConnectionCore, protocolError } from './connection-core.ts';
import { checkPing, checkSettings, parseGoAway, parseReset, parseWindowUpdate } from './control-frames.ts';
import { ConnectionError, ErrorCode } from './error-code.ts';
import { CLIENT_PREFACE, Flag, FrameType, MAX_STREAM_ID, MAX_WINDOW, readUint32 } from './frame.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { HeaderAssembly } from './header-assembly.ts';
import { Decoder } from './hpack/decoder.ts';
import type { FieldCache } from './hpack/field-cache.ts';
import { HeaderBlock } from './hpack/header-block.ts';
import { readSettings, writeSettingsAck } from './settings.ts';
import { Stream } from './stream.ts';

/**
 * The receiving half of a connection: octets in, frames checked against the state of their stream, calls on the handler
 * out. Throws a {@link ConnectionError} for what the connection cannot survive.
 */
export class Receiver<C> implements FrameSink {
  readonly #core: ConnectionCore<C>;
  readonly #reader: FrameReader;
  readonly #assembly = new HeaderAssembly();
  readonly #decoder: Decoder;
  readonly #block: HeaderBlock;
  #prefaceLeft: number;
  #settingsSeen = false;
  readonly #connectionWindow: number;
  /** Octets of DATA on the whole connection for which no WINDOW_UPDATE has gone out yet. */
  #unacknowledged = 0;
  /** The stream of the DATA frame under way, unless its octets are to be dropped. */
  #dataStream: Stream<C> | undefined = undefined;
  #dataEnds = false;
  /** Octets of the DATA frame under way that have not turned out to be payload: at its end, the padding. */
  #dataPadding = 0;

  constructor(core: ConnectionCore<C>, fields: FieldCache, connectionWindow: number) {
    this.#core = core;
    this.#reader = new FrameReader(this);
    this.#decoder = new Decoder(fields);
    this.#block = new HeaderBlock(core.local.maxHeaderListSize);
    this.#prefaceLeft = core.role === 'server' ? CLIENT_PREFACE.length : 0;
    this.#connectionWindow = connectionWindow;
  }

  receive(chunk: Uint8Array): void {
    const rest = this.#prefaceLeft > 0 ? this.#readPreface(chunk) : chunk;
    if (rest.length > 0) this.#reader.read(rest);
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
    const stream = this.#core.streams.get(streamId);
    if (stream === undefined) {
      this.#core.streams.checkClosed(streamId, 'DATA');
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
    this.#dataPadding = length;
    this.#dataStream = stream;
  }

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
        this.#core.streamError(stream, ErrorCode.PROTOCOL_ERROR, detail);
        return;
      }
    }
    if (ends) stream.remoteClosed = true;
    if (start < end || ends) this.#core.handler.onData(stream, bytes, start, end, ends);
    if (last) this.#dataStream = undefined;
    if (ends) this.#core.closeIfDone(stream);
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
    if (!this.#settingsSeen) {
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
    else this.#core.streams.checkClosed(streamId, 'HEADERS');
    this.#assembly.clear();
  }

  #onRequest(streamId: number, block: HeaderBlock, endStream: boolean, dependency: number): void {
    if (streamId % 2 === 0) throw protocolError(`a client opened the even stream ${streamId}`);
    if (streamId > this.#core.streams.lastAccepted) return;
    this.#core.streams.open(streamId);
    if (this.#core.streams.size >= this.#core.local.maxConcurrentStreams) {
      this.#core.refuse(streamId, ErrorCode.REFUSED_STREAM);
      return;
    }
    if (dependency === streamId || block.problem !== undefined) {
      this.#core.refuse(streamId, ErrorCode.PROTOCOL_ERROR);
      return;
    }
    const stream = new Stream<C>(streamId, this.#core.peer.initialWindowSize, this.#core.receiveWindow);
    stream.headersReceived = true;
    stream.expectedLength = block.contentLength;
    if (endStream && block.contentLength > 0) {
      this.#core.refuse(streamId, ErrorCode.PROTOCOL_ERROR);
      return;
    }
    this.#core.streams.add(stream);
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
      const detail = `${stream.receivedLength} octets where content-length says ${stream.expectedLength}`;
      this.#core.streamError(stream, ErrorCode.PROTOCOL_ERROR, detail);
      return;
    }
    stream.remoteClosed = true;
    this.#core.handler.onTrailers(stream, block);
    this.#core.closeIfDone(stream);
  }

  #onResponse(stream: Stream<C>, block: HeaderBlock, endStream: boolean): void {
    const informational = block.status !== undefined && block.status.staticIndex === 0 && block.status.text < '2';
    if (informational && endStream) {
      this.#core.streamError(stream, ErrorCode.PROTOCOL_ERROR, 'a 1xx response that ends the stream');
      return;
    }
    stream.headersReceived = !informational;
    // RFC 9110 §8.6: what a 204 or 304 says of its length is not about this message.
    if (!endStream) stream.expectedLength = block.contentLength;
    stream.remoteClosed = endStream;
    this.#core.handler.onHeaders(stream, block, endStream);
    if (endStream) this.#core.closeIfDone(stream);
  }

  #onReset(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    const code = parseReset(bytes, start, end);
    const stream = this.#core.streams.get(streamId);
    if (stream === undefined) {
      if (streamId === 0 || this.#core.streams.isIdle(streamId)) throw protocolError('RST_STREAM on an idle stream');
      return;
    }
    this.#core.close(stream, false);
    this.#core.handler.onReset(stream, code, 'peer', '');
  }

  #onWindowUpdate(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    const increment = parseWindowUpdate(bytes, start, end);
    if (streamId === 0) {
      if (increment === 0) throw protocolError('WINDOW_UPDATE of 0');
      if (!this.#core.flow.widen(increment)) {
        throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'the window of the connection passes 2^31 - 1');
      }
      this.#core.flow.pump();
      return;
    }
    const stream = this.#core.streams.get(streamId);
    if (stream === undefined) {
      if (this.#core.streams.isIdle(streamId)) throw protocolError('WINDOW_UPDATE on an idle stream');
      return;
    }
    if (increment === 0) {
      this.#core.streamError(stream, ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE of 0');
      return;
    }
    stream.sendWindow += increment;
    if (stream.sendWindow > MAX_WINDOW) {
      this.#core.streamError(stream, ErrorCode.FLOW_CONTROL_ERROR, 'the window of the stream passes 2^31 - 1');
      return;
    }
    if (stream.hasQueue) this.#core.flow.resume(stream);
  }

  #onSettings(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId !== 0) throw protocolError('SETTINGS on a stream');
    const acknowledgement = (flags & Flag.ACK) !== 0;
    checkSettings(start, end, acknowledgement);
    if (acknowledgement) {
      this.#onAcknowledged();
      return;
    }
    const { peer } = this.#core;
    const windowBefore = peer.initialWindowSize;
    if (!this.#settingsSeen) {
      this.#settingsSeen = true;
      // RFC 9113 §6.5.2: without a word on it there is no limit.
      peer.maxConcurrentStreams = Infinity;
    }
    readSettings(bytes, start, end, peer);
    this.#core.encoder.setMaximumSize(peer.headerTableSize);
    this.#core.flow.maxFrameSize = peer.maxFrameSize;
    this.#core.writer.maxFrameSize = peer.maxFrameSize;
    this.#shiftWindows(peer.initialWindowSize - windowBefore);
    writeSettingsAck(this.#core.output);
    this.#core.handler.onSettings();
  }

  /** The peer goes by our SETTINGS from here on (RFC 9113 §6.5.3). */
  #onAcknowledged(): void {
    const delta = this.#core.local.initialWindowSize - this.#core.receiveWindow;
    this.#core.receiveWindow += delta;
    for (const stream of this.#core.streams.all()) stream.receiveWindow += delta;
  }

  /** RFC 9113 §6.9.2: the change applies to the streams there are, whose windows may become negative. */
  #shiftWindows(delta: number): void {
    if (delta === 0) return;
    for (const stream of this.#core.streams.all()) {
      stream.sendWindow += delta;
      if (stream.sendWindow > MAX_WINDOW) {
        throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'SETTINGS push a window past 2^31 - 1');
      }
    }
    if (delta > 0) for (const stream of this.#core.streams.all()) if (stream.hasQueue) this.#core.flow.resume(stream);
  }

  #onPing(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId !== 0) throw protocolError('PING on a stream');
    checkPing(start, end);
    if ((flags & Flag.ACK) === 0) {
      this.#core.writer.ping(bytes.subarray(start, end), Flag.ACK);
    } else if (
      this.#core.draining &&
      this.#core.role === 'server' &&
      this.#core.streams.lastAccepted === MAX_STREAM_ID
    ) {
      // Our announcement has made its round trip: what is coming now was sent in its knowledge.
      this.#core.streams.lastAccepted = this.#core.streams.lastId;
      this.#core.writer.goAway(this.#core.streams.lastId, ErrorCode.NO_ERROR, '');
      this.#core.reportDrained();
    }
  }

  #onGoAway(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId !== 0) throw protocolError('GOAWAY on a stream');
    const { lastStreamId, code, debug } = parseGoAway(bytes, start, end);
    this.#core.peerDraining = true;
    this.#core.handler.onGoAway(lastStreamId, code, debug);
    if (this.#core.role === 'client') {
      for (const stream of this.#core.streams.all()) {
        if (stream.id <= lastStreamId || stream.closed) continue;
        this.#core.close(stream, true);
        this.#core.handler.onReset(stream, ErrorCode.REFUSED_STREAM, 'unprocessed', 'GOAWAY');
      }
    }
    this.#core.reportDrained();
  }

  #onPriority(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId === 0) throw protocolError('PRIORITY on stream 0');
    const stream = this.#core.streams.get(streamId);
    if (end - start !== 5) {
      if (stream !== undefined)
        this.#core.streamError(stream, ErrorCode.FRAME_SIZE_ERROR, 'PRIORITY of a wrong length');
      else this.#core.refuse(streamId, ErrorCode.FRAME_SIZE_ERROR);
      return;
    }
    if ((readUint32(bytes, start) & 0x7fffffff) !== streamId) return;
    if (stream !== undefined) this.#core.streamError(stream, ErrorCode.PROTOCOL_ERROR, 'the stream depends on itself');
    else this.#core.refuse(streamId, ErrorCode.PROTOCOL_ERROR);
  }
}
