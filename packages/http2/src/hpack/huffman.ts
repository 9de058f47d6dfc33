import { buildHuffmanCode, EOS } from './huffman-code.ts';

const { codes, lengths } = buildHuffmanCode();

/**
 * Decoding walks a table byte by byte: (node of the code tree, input byte) → (next node, up to two symbols).
 * An entry is next | symbol1 << 8 | symbol2 << 16 | count << 24 | classes of the symbols, or negative when the byte
 * completes EOS (RFC 7541 §5.2).
 */
const FAIL = -0x8000_0000;
const transitions = new Int32Array(256 * 256);

/** Classes of symbols that a value may hold, as bits of {@link decodedClasses}. */
export const SymbolClass = {
  /** NUL, LF or CR (RFC 9113 §8.2.1). */
  FORBIDDEN: 0x0400_0000,
  /** Blank or tab. */
  BLANK: 0x0800_0000,
  /** A control character, blank or DEL. */
  NOT_VISIBLE: 0x1000_0000,
} as const;

/** Nodes on which a string may end: a prefix of EOS of at most 7 bits (§5.2). */
const mayEnd = new Uint8Array(256);
buildTables();

function buildTables(): void {
  // The inner nodes of the code tree; a child is an inner node's number, or ~symbol.
  const left: number[] = [0];
  const right: number[] = [0];
  for (let symbol = 0; symbol <= EOS; symbol++) {
    const code = codes[symbol] ?? 0;
    let node = 0;
    for (let bit = (lengths[symbol] ?? 0) - 1; bit >= 0; bit--) {
      const side = (code >>> bit) & 1 ? right : left;
      if (bit === 0) {
        side[node] = ~symbol;
        break;
      }
      let next = side[node] ?? 0;
      if (next === 0) {
        next = left.length;
        left.push(0);
        right.push(0);
        side[node] = next;
      }
      node = next;
    }
  }
  for (let start = 0; start < left.length; start++) {
    for (let byte = 0; byte < 256; byte++) transitions[(start << 8) | byte] = walkByte(start, byte, left, right);
  }
  let node = 0;
  for (let depth = 0; depth < 8; depth++) {
    mayEnd[node] = 1;
    node = right[node] ?? 0;
  }
}

function walkByte(start: number, byte: number, left: readonly number[], right: readonly number[]): number {
  let node = start;
  let count = 0;
  let symbols = 0;
  for (let bit = 7; bit >= 0; bit--) {
    const next = ((byte >>> bit) & 1 ? right[node] : left[node]) ?? 0;
    if (next >= 0) {
      node = next;
      continue;
    }
    if (~next === EOS) return FAIL;
    symbols |= (~next << (8 + 8 * count)) | classesOf(~next);
    count++;
    node = 0;
  }
  return node | symbols | (count << 24);
}

function classesOf(symbol: number): number {
  let classes = 0;
  if (symbol === 0x00 || symbol === 0x0a || symbol === 0x0d) classes |= SymbolClass.FORBIDDEN;
  if (symbol === 0x20 || symbol === 0x09) classes |= SymbolClass.BLANK;
  if (symbol <= 0x20 || symbol === 0x7f) classes |= SymbolClass.NOT_VISIBLE;
  return classes;
}

/** The classes, among other bits, of all symbols that {@link huffmanDecodedLength} went over last. */
export let decodedClasses = 0;

/**
 * Length in bytes of the decoded string, or -1 when the input is no valid Huffman string. Sets {@link decodedClasses}. Nothing is
 * written and no branch depends on the input, so it takes half the time of decoding.
 */
export function huffmanDecodedLength(bytes: Uint8Array, start: number, end: number): number {
  let node = 0;
  let length = 0;
  let seen = 0;
  for (let i = start; i < end; i++) {
    const entry = transitions[(node << 8) | (bytes[i] as number)] as number;
    seen |= entry;
    node = entry & 0xff;
    length += (entry >>> 24) & 3;
  }
  decodedClasses = seen;
  return seen >= 0 && mayEnd[node] === 1 ? length : -1;
}

/** Writes the decoded string at `out[at…]` and returns the position after it, or -1 when the input is invalid. */
export function huffmanDecode(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  let node = 0;
  let position = at;
  for (let i = start; i < end; i++) {
    const entry = transitions[(node << 8) | (bytes[i] as number)] as number;
    if (entry < 0) return -1;
    node = entry & 0xff;
    const count = (entry >>> 24) & 3;
    if (count === 0) continue;
    out[position++] = (entry >>> 8) & 0xff;
    if (count === 2) out[position++] = (entry >>> 16) & 0xff;
  }
  return mayEnd[node] === 1 ? position : -1;
}

/** Length in bytes of the Huffman form. */
export function huffmanEncodedLength(bytes: Uint8Array): number {
  let bits = 0;
  for (const byte of bytes) bits += lengths[byte] as number;
  return (bits + 7) >>> 3;
}

/** The Huffman form of `bytes`, padded with the first bits of EOS (RFC 7541 §5.2). */
export function huffmanEncode(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(huffmanEncodedLength(bytes));
  let position = 0;
  let pending = 0;
  let pendingBits = 0;
  for (const byte of bytes) {
    const length = lengths[byte] as number;
    const code = codes[byte] as number;
    // Codes are up to 30 bits and up to 7 wait: feed them in two halves so that the accumulator stays within 32 bits.
    for (let rest = length; rest > 0;) {
      const take = Math.min(rest, 16);
      rest -= take;
      pending = (pending << take) | ((code >>> rest) & ((1 << take) - 1));
      pendingBits += take;
      while (pendingBits >= 8) {
        pendingBits -= 8;
        out[position++] = (pending >>> pendingBits) & 0xff;
      }
      pending &= (1 << pendingBits) - 1;
    }
  }
  if (pendingBits > 0) out[position] = ((pending << (8 - pendingBits)) | (0xff >>> pendingBits)) & 0xff;
  return out;
}
