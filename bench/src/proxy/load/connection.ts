import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { BlockReader, type Field } from '../wire/block-reader.ts';
import {
  ACK,
  DATA,
  DEFAULT_TABLE_SIZE,
  DEFAULT_WINDOW,
  eachSetting,
  END_HEADERS,
  END_STREAM,
  frame,
  GOAWAY,
  HEADER_TABLE_SIZE,
  HEADERS,
  INITIAL_WINDOW_SIZE,
  MAX_CONCURRENT_STREAMS,
  PING,
  PREFACE,
  readUint32,
  RST_STREAM,
  SETTINGS,
  settings,
  WINDOW_UPDATE,
  windowUpdate,
} from '../wire/frame.ts';
import { createFrameReader } from '../wire/frame-reader.ts';
import { Output } from '../wire/output.ts';

const CONNECTION_CREDIT = 1 << 30;
/** Of a stream: more than any reply or stream of messages has, so it is never topped up. */
const STREAM_CREDIT = 1 << 23;
const ENABLE_PUSH = 2;
/** Filled by one read after the other: each is dealt with before the next. */
const received = Buffer.allocUnsafe(256 * 1024);

/** Where calls are sent. */
export interface Target {
  readonly port: number;
  /** TLS in front: the certificate in PEM that it must have, and the name in it. */
  readonly tls?: { readonly ca: string; readonly name: string };
}

/** What a peer said in its first SETTINGS. */
export interface PeerSettings {
  readonly tableSize: number;
  readonly mostStreams: number;
  readonly streamWindow: number;
}

export interface ConnectionHandler {
  onSettings(peer: PeerSettings): void;
  onHeaders(streamId: number, fields: readonly Field[], last: boolean): void;
  onData(streamId: number, bytes: Buffer, start: number, end: number, last: boolean): void;
  onReset(streamId: number, code: number): void;
  /** Stream 0 is the connection. */
  onWindow(streamId: number, increment: number): void;
  /** After all that one read brought; what is written now goes out at once. */
  onTurn(): void;
  /** No call will follow. */
  onClosed(why: string): void;
}

export interface Connection {
  readonly out: Output;
  flush(): void;
  destroy(): void;
}

/** Connects, and does what HTTP/2 asks of every caller; calls are up to the handler. An error in it ends the connection. */
export function openConnection(target: Target, handler: ConnectionHandler): Connection {
  const out = new Output();
  const blocks = new BlockReader();
  let unacknowledged = 0;
  let greeted = false;

  const applySettings = (bytes: Buffer, start: number, end: number): void => {
    let tableSize = DEFAULT_TABLE_SIZE;
    let mostStreams = Infinity;
    let streamWindow = DEFAULT_WINDOW;
    eachSetting(bytes, start, end, (id, value) => {
      if (id === HEADER_TABLE_SIZE) tableSize = value;
      if (id === MAX_CONCURRENT_STREAMS) mostStreams = value;
      if (id === INITIAL_WINDOW_SIZE) streamWindow = value;
    });
    if (greeted) return;
    greeted = true;
    handler.onSettings({ tableSize, mostStreams, streamWindow });
  };

  const read = createFrameReader((type, flags, streamId, bytes, start, end) => {
    switch (type) {
      case HEADERS:
        if (!(flags & END_HEADERS)) throw new Error('a header block in several frames');
        handler.onHeaders(streamId, blocks.read(bytes, start, end), (flags & END_STREAM) !== 0);
        break;
      case DATA:
        unacknowledged += end - start;
        handler.onData(streamId, bytes, start, end, (flags & END_STREAM) !== 0);
        break;
      case RST_STREAM:
        handler.onReset(streamId, readUint32(bytes, start));
        break;
      case SETTINGS:
        if (flags & ACK) break;
        out.copy(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
        applySettings(bytes, start, end);
        break;
      case PING:
        if (!(flags & ACK)) out.copy(frame(PING, ACK, 0, bytes.subarray(start, end)));
        break;
      case GOAWAY:
        throw new Error(`GOAWAY with code ${readUint32(bytes, start + 4)}`);
      case WINDOW_UPDATE:
        handler.onWindow(streamId, readUint32(bytes, start));
        break;
      default:
        break;
    }
  });

  const flush = (): void => {
    if (unacknowledged > CONNECTION_CREDIT / 2) {
      out.copy(windowUpdate(0, unacknowledged));
      unacknowledged = 0;
    }
    out.flush(socket);
  };

  const socket = openSocket(target, {
    buffer: received,
    callback(length) {
      try {
        read(received.subarray(0, length));
        handler.onTurn();
        flush();
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
      return true;
    },
  });
  let why = 'closed by the peer';
  socket.on('error', (error) => {
    why = error.message;
  });
  socket.on('close', () => handler.onClosed(why));
  out.copy(PREFACE);
  out.copy(
    settings([
      [ENABLE_PUSH, 0],
      [INITIAL_WINDOW_SIZE, STREAM_CREDIT],
    ]),
  );
  out.copy(windowUpdate(0, CONNECTION_CREDIT));
  flush();
  return { out, flush, destroy: () => socket.destroy() };
}

function openSocket({ port, tls }: Target, onread: OnReadOpts): Socket {
  const host = '127.0.0.1';
  if (tls === undefined) return connectTcp({ port, host, onread }).setNoDelay(true);
  // Documented for `tls.connect` as for `net.connect`, but not in the types.
  const options: ConnectionOptions & { readonly onread: OnReadOpts } = {
    port,
    host,
    onread,
    ca: tls.ca,
    servername: tls.name,
    ALPNProtocols: ['h2'],
  };
  const socket = connectTls(options);
  return socket.setNoDelay(true);
}
