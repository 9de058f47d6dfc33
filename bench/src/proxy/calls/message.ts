import { readUint32, writeUint32 } from '../wire/frame.ts';

/**
 * What a call asks the backend for, in the 12 octets of its message, so that the backend needs no look at the headers:
 * `unary` one reply of a given size, `metadata` the same if the header block was large, `echo` each message back at once.
 */
export const KIND = { unary: 0x756e_7279, metadata: 0x6d65_7461, echo: 0x6563_686f } as const;

/** gRPC's prefix of a message: compressed or not, and its length in four octets. */
const PREFIX = 5;
const BODY = 12;
/** Of a request, and of the smallest reply, prefix included. */
export const MESSAGE_LENGTH: number = PREFIX + BODY;
/** A request with metadata has a block of at least this much, however it is encoded (Huffman saves a quarter at most). */
export const LEAST_METADATA_BLOCK = 4000;
export const MOST_REPLY_BYTES: number = 1 << 20;

/** What follows the first 12 octets of a reply: the octets differ from place to place, so that a shift is noticed. */
export const PATTERN: Buffer = Buffer.alloc(MOST_REPLY_BYTES);
for (let i = 0, x = 1; i < PATTERN.length; i++) {
  x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0;
  PATTERN[i] = x >>> 24;
}

/** Writes a whole message of 17 octets: `size` of the reply and `nonce`, which the reply repeats. */
export function writeMessage(out: Buffer, at: number, kind: number, size: number, nonce: number): void {
  writePrefix(out, at, BODY);
  writeUint32(out, at + PREFIX, kind);
  writeUint32(out, at + PREFIX + 4, size);
  writeUint32(out, at + PREFIX + 8, nonce);
}

export function writePrefix(out: Buffer, at: number, length: number): void {
  out[at] = 0;
  writeUint32(out, at + 1, length);
}

export const kindAt = (bytes: Buffer, at: number): number => readUint32(bytes, at + PREFIX);
export const sizeAt = (bytes: Buffer, at: number): number => readUint32(bytes, at + PREFIX + 4);
export const nonceAt = (bytes: Buffer, at: number): number => readUint32(bytes, at + PREFIX + 8);
/** Length of the message by its prefix; -1 when it says it is compressed. */
export const lengthAt = (bytes: Buffer, at: number): number => (bytes[at] === 0 ? readUint32(bytes, at + 1) : -1);
