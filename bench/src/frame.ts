/** The part of RFC 9113 that a well-behaved caller and server of small calls need. Kept apart from the engine that is measured. */

export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;

/** On DATA and HEADERS; ACK on SETTINGS and PING. */
export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
const PADDED = 8;
const PRIORITY = 0x20;

export const FRAME_HEADER = 9;
export const PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Every connection and stream starts with this much (§6.9.2). */
export const DEFAULT_WINDOW = 65_535;
export const DEFAULT_TABLE_SIZE = 4096;

function writeFrameHeader(
  out: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  out.writeUIntBE(length, at, 3);
  out[at + 3] = type;
  out[at + 4] = flags;
  out.writeUInt32BE(streamId, at + 5);
  return at + FRAME_HEADER;
}

export function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(FRAME_HEADER + payload.length);
  out.set(payload, writeFrameHeader(out, 0, payload.length, type, flags, streamId));
  return out;
}

export function windowUpdate(streamId: number, increment: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(increment);
  return frame(WINDOW_UPDATE, 0, streamId, payload);
}

export function settings(entries: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(entries.length * 6);
  for (const [index, [id, value]] of entries.entries()) {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return frame(SETTINGS, 0, 0, payload);
}

export const HEADER_TABLE_SIZE = 1;
export const MAX_CONCURRENT_STREAMS = 3;
export const INITIAL_WINDOW_SIZE = 4;

/** Calls `at` with each entry of a SETTINGS payload. */
export function eachSetting(bytes: Buffer, start: number, end: number, at: (id: number, value: number) => void): void {
  for (let i = start; i + 6 <= end; i += 6) at(bytes.readUInt16BE(i), bytes.readUInt32BE(i + 2));
}

/** Receives a whole frame; its payload, without padding and priority, is `bytes[start..end)` during the call. */
export type OnFrame = (
  type: number,
  flags: number,
  streamId: number,
  bytes: Buffer,
  start: number,
  end: number,
) => void;

/** Cuts a byte stream into frames. Returns what to feed each chunk to. */
export function createFrameReader(onFrame: OnFrame): (chunk: Buffer) => void {
  let rest: Buffer | undefined;
  return (chunk) => {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= FRAME_HEADER) {
      const end = at + FRAME_HEADER + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      const type = bytes.readUInt8(at + 3);
      const flags = bytes.readUInt8(at + 4);
      let start = at + FRAME_HEADER;
      let pad = 0;
      if (type === DATA || type === HEADERS) {
        if (flags & PADDED) pad = bytes.readUInt8(start++);
        if (type === HEADERS && flags & PRIORITY) start += 5;
      }
      onFrame(type, flags, bytes.readUInt32BE(at + 5) & 0x7fffffff, bytes, start, end - pad);
      at = end;
    }
    rest = at === bytes.length ? undefined : bytes.subarray(at);
  };
}
