import type { Socket } from 'node:net';
import {
  KIND,
  kindAt,
  LEAST_METADATA_BLOCK,
  lengthAt,
  MESSAGE_LENGTH,
  MOST_REPLY_BYTES,
  PATTERN,
  sizeAt,
  writePrefix,
} from '../calls/message.ts';
import { replyBlocks, type ReplyBlocks } from '../calls/reply.ts';
import {
  ACK,
  DATA,
  DEFAULT_TABLE_SIZE,
  DEFAULT_WINDOW,
  eachSetting,
  END_STREAM,
  frame,
  FRAME_HEADER,
  HEADER_TABLE_SIZE,
  HEADERS,
  INITIAL_WINDOW_SIZE,
  MAX_CONCURRENT_STREAMS,
  MAX_FRAME_SIZE,
  PING,
  PREFACE,
  readUint32,
  RST_STREAM,
  SETTINGS,
  settings,
  WINDOW_UPDATE,
  windowUpdate,
  writeFrameHeader,
  writeUint32,
} from '../wire/frame.ts';
import { createFrameReader } from '../wire/frame-reader.ts';
import { Output } from '../wire/output.ts';

const INTERNAL = 13;
/** Of a connection and of a stream; the latter is never used up, for no request is that long. */
const CREDIT = 1 << 24;
const use = replyBlocks('use', 0);
const plain = replyBlocks('none', 0);
const wrong = replyBlocks('none', INTERNAL);
const fill = replyBlocks('fill', 0);

interface Stream {
  readonly id: number;
  readonly blockLength: number;
  /** What the peer lets us send. */
  window: number;
  /** Octets of the request's messages so far. */
  received: number;
  /** The message that is arriving; for `echo` one after the other. */
  readonly message: Buffer;
  /** DATA still to be sent, as a whole message or as messages of an echo. */
  pending: Buffer | undefined;
  /** Part of {@link PATTERN} that follows it. */
  patternTo: number;
  patternAt: number;
  trailers: Buffer | undefined;
}

/** Answers the calls of one connection: `message.ts` says how. `onCall` counts them. */
export function serveConnection(socket: Socket, onCall: () => void): void {
  socket.setNoDelay(true);
  const out = new Output();
  const streams = new Map<number, Stream>();
  /** Streams that wait for a window, longest first. */
  let blocked: Stream[] = [];
  let tableSize = DEFAULT_TABLE_SIZE;
  /** Whether the fields of replies are in the peer's header table: trailers go last, possibly much later than headers. */
  let table: 'empty' | 'filling' | 'filled' = 'empty';
  let connectionWindow = DEFAULT_WINDOW;
  let streamWindow = DEFAULT_WINDOW;
  let unacknowledged = 0;

  const copyFrame = (part: Buffer, streamId: number): void => {
    const at = out.reserve(part.length);
    part.copy(out.bytes, at);
    writeUint32(out.bytes, at + 5, streamId);
  };

  const blocks = (): ReplyBlocks => {
    if (table === 'filled') return use;
    if (table === 'filling' || tableSize < DEFAULT_TABLE_SIZE) return plain;
    table = 'filling';
    return fill;
  };

  /** Sends `length` octets of the message at most; from `bytes`, or by reference from the pattern. */
  const sendData = (stream: Stream, bytes: Buffer, from: number, length: number, byReference: boolean): number => {
    const size = Math.min(length, MAX_FRAME_SIZE, connectionWindow, stream.window);
    if (size <= 0) return 0;
    connectionWindow -= size;
    stream.window -= size;
    const at = out.reserve(FRAME_HEADER + (byReference ? 0 : size));
    writeFrameHeader(out.bytes, at, size, DATA, 0, stream.id);
    if (byReference) out.append(bytes.subarray(from, from + size));
    else bytes.copy(out.bytes, at + FRAME_HEADER, from, from + size);
    return size;
  };

  /** Sends what the windows allow; whether all of it. */
  const advance = (stream: Stream): boolean => {
    while (stream.pending !== undefined) {
      const sent = sendData(stream, stream.pending, 0, stream.pending.length, false);
      if (sent === 0) return false;
      stream.pending = sent === stream.pending.length ? undefined : stream.pending.subarray(sent);
    }
    while (stream.patternAt < stream.patternTo) {
      const sent = sendData(stream, PATTERN, stream.patternAt, stream.patternTo - stream.patternAt, true);
      if (sent === 0) return false;
      stream.patternAt += sent;
    }
    if (stream.trailers !== undefined) {
      copyFrame(stream.trailers, stream.id);
      if (stream.trailers === fill.trailers) table = 'filled';
      streams.delete(stream.id);
    }
    return true;
  };

  const send = (stream: Stream): void => {
    if (!advance(stream) && !blocked.includes(stream)) blocked.push(stream);
  };

  const fail = (stream: Stream): void => {
    copyFrame(wrong.headers, stream.id);
    copyFrame(wrong.trailers, stream.id);
    streams.delete(stream.id);
  };

  const reply = (stream: Stream): void => {
    const { message } = stream;
    const size = sizeAt(message, 0);
    const kind = kindAt(message, 0);
    const right =
      stream.received === MESSAGE_LENGTH &&
      lengthAt(message, 0) === MESSAGE_LENGTH - 5 &&
      size >= MESSAGE_LENGTH - 5 &&
      size <= MOST_REPLY_BYTES &&
      (kind === KIND.unary || (kind === KIND.metadata && stream.blockLength >= LEAST_METADATA_BLOCK));
    if (!right) return fail(stream);
    onCall();
    const { headers, trailers } = blocks();
    copyFrame(headers, stream.id);
    writePrefix(message, 0, size);
    stream.pending = message;
    stream.patternTo = size - (MESSAGE_LENGTH - 5);
    stream.trailers = trailers;
    return send(stream);
  };

  /** Each message back as a DATA frame of its own, as a server writes them. */
  const echo = (stream: Stream, messages: Buffer): void => {
    for (let at = 0; at < messages.length; at += MESSAGE_LENGTH) {
      const whole =
        stream.pending === undefined && stream.window >= MESSAGE_LENGTH && connectionWindow >= MESSAGE_LENGTH;
      if (whole) sendData(stream, messages, at, MESSAGE_LENGTH, false);
      else {
        const rest = messages.subarray(at);
        stream.pending = Buffer.concat(stream.pending === undefined ? [rest] : [stream.pending, rest]);
        send(stream);
        return;
      }
    }
  };

  const receive = (stream: Stream, bytes: Buffer, start: number, end: number): void => {
    const within = stream.received % MESSAGE_LENGTH;
    const first = Math.min(MESSAGE_LENGTH - within, end - start);
    const beginning = stream.received < MESSAGE_LENGTH;
    bytes.copy(stream.message, within, start, start + first);
    stream.received += end - start;
    if (stream.received < MESSAGE_LENGTH || kindAt(stream.message, 0) !== KIND.echo) return;
    if (beginning) {
      onCall();
      copyFrame(plain.headers, stream.id);
    }
    let from = start;
    if (within > 0) {
      if (within + first < MESSAGE_LENGTH) return;
      echo(stream, Buffer.from(stream.message));
      from += first;
    }
    const whole = from + Math.floor((end - from) / MESSAGE_LENGTH) * MESSAGE_LENGTH;
    if (whole > from) echo(stream, bytes.subarray(from, whole));
    bytes.copy(stream.message, 0, whole, end);
  };

  const finish = (stream: Stream): void => {
    const echoed = stream.received >= MESSAGE_LENGTH && kindAt(stream.message, 0) === KIND.echo;
    if (!echoed) return reply(stream);
    if (stream.received % MESSAGE_LENGTH !== 0) return fail(stream);
    stream.trailers = plain.trailers;
    return send(stream);
  };

  const read = createFrameReader((type, flags, streamId, bytes, start, end) => {
    switch (type) {
      case DATA: {
        unacknowledged += end - start;
        const stream = streams.get(streamId);
        if (stream === undefined) break;
        if (end > start) receive(stream, bytes, start, end);
        if (flags & END_STREAM) finish(stream);
        break;
      }
      case HEADERS: {
        const existing = streams.get(streamId);
        const stream = existing ?? {
          id: streamId,
          blockLength: end - start,
          window: streamWindow,
          received: 0,
          message: Buffer.allocUnsafe(MESSAGE_LENGTH),
          pending: undefined,
          patternTo: 0,
          patternAt: 0,
          trailers: undefined,
        };
        if (existing === undefined) streams.set(streamId, stream);
        if (flags & END_STREAM) finish(stream);
        break;
      }
      case RST_STREAM: {
        const stream = streams.get(streamId);
        streams.delete(streamId);
        if (stream !== undefined && blocked.includes(stream)) blocked = blocked.filter((other) => other !== stream);
        break;
      }
      case SETTINGS:
        if (flags & ACK) break;
        eachSetting(bytes, start, end, (id, value) => {
          if (id === HEADER_TABLE_SIZE) tableSize = value;
          if (id === INITIAL_WINDOW_SIZE) {
            for (const stream of streams.values()) stream.window += value - streamWindow;
            streamWindow = value;
          }
        });
        out.append(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
        break;
      case PING:
        if (!(flags & ACK)) out.append(frame(PING, ACK, 0, bytes.subarray(start, end)));
        break;
      case WINDOW_UPDATE: {
        const increment = readUint32(bytes, start);
        const stream = streams.get(streamId);
        if (streamId === 0) connectionWindow += increment;
        else if (stream !== undefined) stream.window += increment;
        break;
      }
      default:
        break;
    }
  });

  let preface = PREFACE.length;
  socket.on('data', (chunk) => {
    const skip = Math.min(preface, chunk.length);
    preface -= skip;
    read(skip === 0 ? chunk : chunk.subarray(skip));
    if (blocked.length > 0 && connectionWindow > 0) blocked = blocked.filter((stream) => !advance(stream));
    if (unacknowledged > CREDIT / 2) {
      out.append(windowUpdate(0, unacknowledged));
      unacknowledged = 0;
    }
    out.flush(socket);
  });
  // A proxy that is stopped resets its connections; there is nothing to do about it here.
  socket.on('error', () => socket.destroy());
  out.append(
    settings([
      [MAX_CONCURRENT_STREAMS, 1000],
      [INITIAL_WINDOW_SIZE, CREDIT],
    ]),
  );
  out.append(windowUpdate(0, CREDIT));
  out.flush(socket);
}
