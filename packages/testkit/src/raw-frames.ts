/** Frames as octets, written down from RFC 9113 §4.1 and not by the code under test. */
export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Uint8Array;
}

export const PREFACE: Uint8Array = new TextEncoder().encode('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export function rawFrame(type: number, flags: number, streamId: number, payload: Iterable<number> = []): Uint8Array {
  const body = Uint8Array.from(payload);
  const frame = new Uint8Array(9 + body.length);
  new DataView(frame.buffer).setUint32(0, (body.length << 8) | type);
  frame[4] = flags;
  new DataView(frame.buffer).setUint32(5, streamId);
  frame.set(body, 9);
  return frame;
}

/** Cuts whole frames out of `bytes`; throws when something is left over. */
export function parseRawFrames(bytes: Uint8Array): RawFrame[] {
  const frames: RawFrame[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at < bytes.length) {
    const length = view.getUint32(at) >>> 8;
    const end = at + 9 + length;
    if (end > bytes.length) throw new Error(`a frame of ${length} octets is cut off at ${bytes.length - at - 9}`);
    frames.push({
      type: view.getUint8(at + 3),
      flags: view.getUint8(at + 4),
      streamId: view.getUint32(at + 5) & 0x7fffffff,
      payload: bytes.slice(at + 9, end),
    });
    at = end;
  }
  return frames;
}

export function uint32(value: number): number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

/** One SETTINGS payload entry. */
export function setting(id: number, value: number): number[] {
  return [id >>> 8, id & 0xff, ...uint32(value)];
}

/** HPACK literals without indexing and without Huffman code (RFC 7541 §6.2.2): the plainest legal block. */
export function literalBlock(fields: readonly (readonly [name: string, value: string])[]): number[] {
  return fields.flatMap(([name, value]) => [0x00, ...literalString(name), ...literalString(value)]);
}

function literalString(text: string): number[] {
  const bytes = [...new TextEncoder().encode(text)];
  if (bytes.length < 127) return [bytes.length, ...bytes];
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>>= 7) length.push((rest & 127) | 128);
  return [...length, rest, ...bytes];
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
