/**
 * The backend of the benchmark, a process of its own: answers every call with HEADERS, a 12-byte message and trailers, at the
 * least cost, so that what is measured is the proxy. Usage: backend-main.js PORT
 */
import { createServer, type Socket } from 'node:net';
import { MESSAGE, replyTemplate, type ReplyTemplate } from './call.ts';
import {
  ACK,
  createFrameReader,
  DATA,
  DEFAULT_TABLE_SIZE,
  DEFAULT_WINDOW,
  eachSetting,
  END_STREAM,
  frame,
  HEADER_TABLE_SIZE,
  HEADERS,
  MAX_CONCURRENT_STREAMS,
  PING,
  PREFACE,
  RST_STREAM,
  SETTINGS,
  settings,
  WINDOW_UPDATE,
  windowUpdate,
} from './frame.ts';

const INTERNAL = 13;
const CREDIT = 1 << 24;
const fill = replyTemplate('fill', 0);
const use = replyTemplate('use', 0);
const plain = replyTemplate('none', 0);
const wrong = replyTemplate('none', INTERNAL);

function serve(socket: Socket): void {
  socket.setNoDelay(true);
  let tableSize = DEFAULT_TABLE_SIZE;
  let filled = false;
  let window = DEFAULT_WINDOW;
  let unacknowledged = 0;
  /** Bytes received of requests that came in more than one DATA frame. */
  const partial = new Map<number, number>();
  const waiting: (readonly [streamId: number, reply: ReplyTemplate])[] = [];
  let out: Buffer[] = [];

  const send = (streamId: number, reply: ReplyTemplate): void => {
    const bytes = Buffer.from(reply.bytes);
    for (const at of reply.idsAt) bytes.writeUInt32BE(streamId, at);
    out.push(bytes);
    window -= MESSAGE.length;
  };
  const answer = (streamId: number, received: number): void => {
    let reply = wrong;
    if (received === MESSAGE.length) {
      reply = tableSize < DEFAULT_TABLE_SIZE ? plain : filled ? use : fill;
      filled ||= reply === fill;
    }
    if (window < MESSAGE.length || waiting.length > 0) waiting.push([streamId, reply]);
    else send(streamId, reply);
  };

  const read = createFrameReader((type, flags, streamId, bytes, start, end) => {
    switch (type) {
      case DATA: {
        unacknowledged += end - start;
        const received = (partial.get(streamId) ?? 0) + end - start;
        if (flags & END_STREAM) {
          partial.delete(streamId);
          answer(streamId, received);
        } else {
          partial.set(streamId, received);
        }
        break;
      }
      case HEADERS:
        if (flags & END_STREAM) answer(streamId, partial.get(streamId) ?? 0);
        break;
      case RST_STREAM:
        partial.delete(streamId);
        break;
      case SETTINGS:
        if (flags & ACK) break;
        eachSetting(bytes, start, end, (id, value) => {
          if (id === HEADER_TABLE_SIZE) tableSize = value;
        });
        out.push(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
        break;
      case PING:
        if (!(flags & ACK)) out.push(frame(PING, ACK, 0, bytes.subarray(start, end)));
        break;
      case WINDOW_UPDATE:
        if (streamId === 0) window += bytes.readUInt32BE(start);
        break;
      default:
        break;
    }
  });

  let preface = PREFACE.length;
  socket.on('data', (chunk) => {
    const skip = Math.min(preface, chunk.length);
    preface -= skip;
    read(chunk.subarray(skip));
    while (window >= MESSAGE.length) {
      const next = waiting.shift();
      if (next === undefined) break;
      send(...next);
    }
    if (unacknowledged > CREDIT / 2) {
      out.push(windowUpdate(0, unacknowledged));
      unacknowledged = 0;
    }
    if (out.length > 0) socket.write(out.length === 1 && out[0] !== undefined ? out[0] : Buffer.concat(out));
    out = [];
  });
  // A proxy that is stopped resets its connections; there is nothing to do about it here.
  socket.on('error', () => socket.destroy());
  socket.write(Buffer.concat([settings([[MAX_CONCURRENT_STREAMS, 1000]]), windowUpdate(0, CREDIT)]));
}

createServer(serve).listen(Number(process.argv[2]), '127.0.0.1');
