import { connect, type Socket } from 'node:net';
import { BlockReader } from './block-reader.ts';
import { CallWriter, MESSAGE } from './call.ts';
import {
  ACK,
  createFrameReader,
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
  RST_STREAM,
  SETTINGS,
  settings,
  WINDOW_UPDATE,
  windowUpdate,
} from './frame.ts';

const CREDIT = 1 << 30;
const ENABLE_PUSH = 2;

export interface CallerListener {
  onReply(latencyMs: number): void;
  /** A call that did not end with grpc-status 0 and the message that was expected. */
  onFailure(why: string): void;
  /** The connection is of no more use; no call will follow. */
  onClosed(why: string): void;
}

interface Call {
  startedAt: number;
  received: number;
}

/** One connection that keeps exactly `streams` unary calls under way until it is closed. */
export function openCaller(port: number, streams: number, seed: number, listener: CallerListener): Socket {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  const blocks = new BlockReader();
  const calls = new Map<number, Call>();
  const idle: Call[] = Array.from({ length: streams }, () => ({ startedAt: 0, received: 0 }));
  let writer: CallWriter | undefined;
  let nextId = 1;
  let window = DEFAULT_WINDOW;
  let unacknowledged = 0;
  let control: Buffer[] = [];
  let now = performance.now();

  const end = (streamId: number, failure: string | undefined): void => {
    const call = calls.get(streamId);
    if (call === undefined) return;
    calls.delete(streamId);
    if (failure === undefined) listener.onReply(now - call.startedAt);
    else listener.onFailure(failure);
    idle.push(call);
  };

  const endByTrailers = (streamId: number, fields: ReturnType<BlockReader['read']>): void => {
    const status = fields.find(([name]) => name === 'grpc-status')?.[1];
    const received = calls.get(streamId)?.received;
    if (status === '0' && received === MESSAGE.length) end(streamId, undefined);
    else if (status === '0') end(streamId, `${received} bytes of message, expected ${MESSAGE.length}`);
    else end(streamId, fields.map(([name, value]) => `${name}: ${value}`).join(', '));
  };

  const read = createFrameReader((type, flags, streamId, bytes, start, stop) => {
    switch (type) {
      case HEADERS: {
        if (!(flags & END_HEADERS)) throw new Error('a header block in several frames');
        const fields = blocks.read(bytes, start, stop);
        if (flags & END_STREAM) endByTrailers(streamId, fields);
        break;
      }
      case DATA: {
        const length = stop - start;
        unacknowledged += length;
        const call = calls.get(streamId);
        if (call !== undefined) call.received += length;
        if (length === MESSAGE.length && MESSAGE.compare(bytes, start, stop) !== 0) end(streamId, 'another message');
        if (flags & END_STREAM) end(streamId, 'no trailers');
        break;
      }
      case RST_STREAM:
        end(streamId, `reset with code ${bytes.readUInt32BE(start)}`);
        break;
      case SETTINGS:
        if (flags & ACK) break;
        control.push(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
        applySettings(bytes, start, stop);
        break;
      case PING:
        if (!(flags & ACK)) control.push(frame(PING, ACK, 0, bytes.subarray(start, stop)));
        break;
      case GOAWAY:
        throw new Error(`GOAWAY with code ${bytes.readUInt32BE(start + 4)}`);
      case WINDOW_UPDATE:
        if (streamId === 0) window += bytes.readUInt32BE(start);
        break;
      default:
        break;
    }
  });

  const applySettings = (bytes: Buffer, start: number, stop: number): void => {
    let tableSize = DEFAULT_TABLE_SIZE;
    eachSetting(bytes, start, stop, (id, value) => {
      if (id === HEADER_TABLE_SIZE) tableSize = value;
      if (id === MAX_CONCURRENT_STREAMS && value < streams) throw new Error(`allows only ${value} streams`);
      if (id === INITIAL_WINDOW_SIZE && value < MESSAGE.length) throw new Error('stream window below one message');
    });
    writer ??= new CallWriter(tableSize >= DEFAULT_TABLE_SIZE, seed);
  };

  /** Starts a call for each idle stream and writes everything of this turn at once. */
  const flush = (): void => {
    const starting = writer === undefined ? 0 : Math.min(idle.length, Math.floor(window / MESSAGE.length));
    let calling: Buffer | undefined;
    if (writer !== undefined && starting > 0) {
      const out = Buffer.allocUnsafe(starting * CallWriter.MOST_BYTES);
      let at = 0;
      for (let count = 0; count < starting; count++) {
        const call = idle.pop();
        if (call === undefined) break;
        call.startedAt = now;
        call.received = 0;
        calls.set(nextId, call);
        at = writer.write(out, at, nextId);
        nextId += 2;
      }
      window -= starting * MESSAGE.length;
      calling = out.subarray(0, at);
    }
    if (unacknowledged > CREDIT / 2) {
      control.push(windowUpdate(0, unacknowledged));
      unacknowledged = 0;
    }
    if (control.length > 0) {
      socket.write(Buffer.concat(calling === undefined ? control : [...control, calling]));
      control = [];
    } else if (calling !== undefined) {
      socket.write(calling);
    }
  };

  socket.on('data', (chunk) => {
    now = performance.now();
    try {
      read(chunk);
      flush();
    } catch (error) {
      socket.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  });
  let why = 'closed by the peer';
  socket.on('error', (error) => {
    why = error.message;
  });
  socket.on('close', () => listener.onClosed(why));
  socket.write(Buffer.concat([PREFACE, settings([[ENABLE_PUSH, 0]]), windowUpdate(0, CREDIT)]));
  return socket;
}
