import { DATA, END_STREAM, FRAME_HEADER, HEADERS } from './frame.ts';

const PADDED = 8;
const PRIORITY = 0x20;

/**
 * Receives a frame; its payload, without padding and priority, is `bytes[start..end)` during the call. DATA comes in the pieces
 * that arrive, END_STREAM with the last of them.
 */
export type OnFrame = (
  type: number,
  flags: number,
  streamId: number,
  bytes: Buffer,
  start: number,
  end: number,
) => void;

/**
 * Cuts a byte stream into frames; large payloads are not copied. Returns what to feed each chunk to, which may reuse the chunk
 * after the call.
 */
export function createFrameReader(onFrame: OnFrame): (chunk: Buffer) => void {
  /** The beginning of a frame that is handed on whole, or of a frame header. */
  let rest: Buffer | undefined;
  /** Of the DATA frame that is being handed on in pieces. */
  let missing = 0;
  let dataFlags = 0;
  let dataStream = 0;

  const piece = (bytes: Buffer, at: number, available: number): number => {
    const end = at + Math.min(missing, available);
    missing -= end - at;
    onFrame(DATA, missing > 0 ? dataFlags & ~END_STREAM : dataFlags, dataStream, bytes, at, end);
    return end;
  };

  return (chunk) => {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    const length = bytes.length;
    let at = missing > 0 ? piece(bytes, 0, length) : 0;
    while (length - at >= FRAME_HEADER) {
      const size = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
      const type = bytes[at + 3] ?? 0;
      const flags = bytes[at + 4] ?? 0;
      const streamId =
        (((bytes[at + 5] ?? 0) & 0x7f) << 24) |
        ((bytes[at + 6] ?? 0) << 16) |
        ((bytes[at + 7] ?? 0) << 8) |
        (bytes[at + 8] ?? 0);
      let start = at + FRAME_HEADER;
      if (type === DATA && !(flags & PADDED) && size > 0) {
        missing = size;
        dataFlags = flags;
        dataStream = streamId;
        at = start;
        if (at < length) at = piece(bytes, at, length - at);
        continue;
      }
      const end = start + size;
      if (end > length) break;
      let pad = 0;
      if (type === DATA || type === HEADERS) {
        if (flags & PADDED) pad = bytes[start++] ?? 0;
        if (type === HEADERS && flags & PRIORITY) start += 5;
      }
      onFrame(type, flags, streamId, bytes, start, end - pad);
      at = end;
    }
    rest = at === length ? undefined : Buffer.from(bytes.subarray(at));
  };
}
