import { type ConnectionCore, DRAIN_PING, protocolError } from './connection-core.ts';
import { checkPing, checkSettings, parseGoAway, parseReset, parseWindowUpdate } from './control-frames.ts';
import { ConnectionError, ErrorCode } from './error-code.ts';
import { Flag, FrameType, MAX_STREAM_ID, MAX_WINDOW, readUint32 } from './frame.ts';
import { sameBytes } from './hpack/bytes.ts';
import { allowsPush, readSettings, writeSettingsAck } from './settings.ts';

/** Receives the frames that are not part of a message. */
export class ControlReceiver<C> {
  /** The peer's first SETTINGS have come. */
  settingsSeen = false;
  /** The first answer to the PING of our announced shutdown has come. */
  #drainRound = false;
  readonly #core: ConnectionCore<C>;

  constructor(core: ConnectionCore<C>) {
    this.#core = core;
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    switch (type) {
      case FrameType.RST_STREAM:
        this.#onReset(streamId, parseReset(bytes, start, end));
        return;
      case FrameType.WINDOW_UPDATE:
        this.#onWindowUpdate(streamId, parseWindowUpdate(bytes, start, end));
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
        this.#core.conduct.oddity('frames of unknown types');
    }
  }

  #onReset(streamId: number, code: number): void {
    const core = this.#core;
    const stream = core.streams.get(streamId);
    if (stream === undefined) {
      if (streamId === 0 || core.streams.isIdle(streamId)) throw protocolError('RST_STREAM on an idle stream');
      core.conduct.lateFrame();
      return;
    }
    core.close(stream, false);
    core.handler.onReset(stream, code, 'peer', '');
    core.chargeReset();
  }

  #onWindowUpdate(streamId: number, increment: number): void {
    const core = this.#core;
    core.conduct.windowUpdate();
    if (streamId === 0) {
      if (increment === 0) throw protocolError('WINDOW_UPDATE of 0');
      if (!core.flow.widen(increment)) {
        throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'the window of the connection passes 2^31 - 1');
      }
      core.flow.pump();
      return;
    }
    const stream = core.streams.get(streamId);
    if (stream === undefined) {
      if (core.streams.isIdle(streamId)) throw protocolError('WINDOW_UPDATE on an idle stream');
      return;
    }
    if (increment === 0) {
      core.streamError(stream, ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE of 0');
      return;
    }
    stream.sendWindow += increment;
    if (stream.sendWindow > MAX_WINDOW) {
      core.streamError(stream, ErrorCode.FLOW_CONTROL_ERROR, 'the window of the stream passes 2^31 - 1');
      return;
    }
    core.flow.resume(stream);
    core.flow.pump();
  }

  #onSettings(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    const core = this.#core;
    if (streamId !== 0) throw protocolError('SETTINGS on a stream');
    const acknowledgement = (flags & Flag.ACK) !== 0;
    checkSettings(start, end, acknowledgement);
    if (acknowledgement) {
      this.#onAcknowledged();
      return;
    }
    core.conduct.oddity('SETTINGS frames');
    const { peer } = core;
    // RFC 9113 §6.5.2: a server may not allow itself to push.
    if (core.role === 'client' && allowsPush(bytes, start, end)) throw protocolError('SETTINGS: ENABLE_PUSH 1');
    const windowBefore = peer.initialWindowSize;
    if (!this.settingsSeen) {
      this.settingsSeen = true;
      // RFC 9113 §6.5.2: without a word on it there is no limit.
      peer.maxConcurrentStreams = Infinity;
    }
    readSettings(bytes, start, end, peer);
    core.encoder.setMaximumSize(peer.headerTableSize);
    core.flow.maxFrameSize = peer.maxFrameSize;
    core.writer.maxFrameSize = peer.maxFrameSize;
    // §6.5.3: at once, so before any DATA that these values let go.
    writeSettingsAck(core.output);
    this.#shiftWindows(peer.initialWindowSize - windowBefore);
    core.handler.onSettings();
  }

  /** The peer goes by our SETTINGS from here on (RFC 9113 §6.5.3). */
  #onAcknowledged(): void {
    const core = this.#core;
    if (core.greeted) {
      core.conduct.oddity('acknowledgements');
      return;
    }
    core.greeted = true;
    const delta = core.local.initialWindowSize - core.receiveWindow;
    core.receiveWindow += delta;
    for (const stream of core.streams.all()) stream.receiveWindow += delta;
  }

  /** RFC 9113 §6.9.2: the change applies to the streams there are, whose windows may become negative. */
  #shiftWindows(delta: number): void {
    if (delta === 0) return;
    const streams = this.#core.streams.all();
    for (const stream of streams) {
      stream.sendWindow += delta;
      if (stream.sendWindow > MAX_WINDOW) {
        throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'SETTINGS push a window past 2^31 - 1');
      }
    }
    if (delta <= 0) return;
    const { flow } = this.#core;
    for (const stream of streams) flow.resume(stream);
    flow.pump();
  }

  #onPing(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    const core = this.#core;
    if (streamId !== 0) throw protocolError('PING on a stream');
    checkPing(start, end);
    if ((flags & Flag.ACK) === 0) {
      core.conduct.ping(core.role === 'server');
      core.writer.ping(bytes.subarray(start, end), Flag.ACK);
      return;
    }
    core.conduct.oddity('acknowledgements');
    const announced = core.draining && core.role === 'server' && core.streams.lastAccepted === MAX_STREAM_ID;
    if (!announced || !sameBytes(bytes, start, end, DRAIN_PING)) return;
    // Our announcement has made its round trip. Some clients (nghttp2, and so node:http2 and grpc-js) send the answer before
    // requests that they had queued earlier: after a second round those have arrived, and what comes now was sent knowingly.
    if (!this.#drainRound) {
      this.#drainRound = true;
      core.writer.ping(DRAIN_PING, 0);
      return;
    }
    core.streams.lastAccepted = core.streams.lastId;
    core.writer.goAway(core.streams.lastId, ErrorCode.NO_ERROR, '');
    core.reportDrained();
  }

  #onGoAway(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    const core = this.#core;
    if (streamId !== 0) throw protocolError('GOAWAY on a stream');
    core.conduct.oddity('GOAWAY frames');
    const { lastStreamId, code, debug } = parseGoAway(bytes, start, end);
    core.peerDraining = true;
    core.handler.onGoAway(lastStreamId, code, debug);
    if (core.role === 'client') {
      for (const stream of core.streams.all()) {
        if (stream.id <= lastStreamId || stream.closed) continue;
        core.close(stream, true);
        core.handler.onReset(stream, ErrorCode.REFUSED_STREAM, 'unprocessed', 'GOAWAY');
      }
    }
    core.reportDrained();
  }

  /** The priorities of RFC 7540 are gone (RFC 9113 §5.3.2); only their form is still checked. */
  #onPriority(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    const core = this.#core;
    if (streamId === 0) throw protocolError('PRIORITY on stream 0');
    core.conduct.oddity('PRIORITY frames');
    let code: number | undefined;
    if (end - start !== 5) code = ErrorCode.FRAME_SIZE_ERROR;
    else if ((readUint32(bytes, start) & 0x7fffffff) === streamId) code = ErrorCode.PROTOCOL_ERROR;
    if (code === undefined) return;
    const stream = core.streams.get(streamId);
    if (stream === undefined) core.refuse(streamId, code, 'PRIORITY is broken');
    else core.streamError(stream, code, 'PRIORITY is broken');
  }
}
