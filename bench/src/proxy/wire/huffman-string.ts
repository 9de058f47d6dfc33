/**
 * Decoding of RFC 7541 Appendix B, from the lengths of its codes alone (the code is canonical), bit by bit: it runs only when a
 * header block is seen for the first time. Written apart from the engine that is measured, so that they share no mistake.
 */

/** Symbols by the length of their code: `[length, symbols in the order of their codes]`. EOS (256) is left out: it is never sent. */
const SYMBOLS: readonly (readonly [length: number, symbols: readonly number[]])[] = [
  [5, [48, 49, 50, 97, 99, 101, 105, 111, 115, 116]],
  [
    6,
    [32, 37, 45, 46, 47, 51, 52, 53, 54, 55, 56, 57, 61, 65, 95, 98, 100, 102, 103, 104, 108, 109, 110, 112, 114, 117],
  ],
  [7, [58, ...range(66, 87), 89, 106, 107, 113, 118, 119, 120, 121, 122]],
  [8, [38, 42, 44, 59, 88, 90]],
  [10, [33, 34, 40, 41, 63]],
  [11, [39, 43, 124]],
  [12, [35, 62]],
  [13, [0, 36, 64, 91, 93, 126]],
  [14, [94, 125]],
  [15, [60, 96, 123]],
];

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Code word by length: `length * 2^15 + code` → symbol. */
const symbolOf = new Map<number, number>();
let code = 0;
let previous = 5;
for (const [length, symbols] of SYMBOLS) {
  code <<= length - previous;
  for (const symbol of symbols) symbolOf.set((length << 15) | code++, symbol);
  previous = length;
}

/** Throws on symbols outside of printable ASCII, which no header of these calls holds. */
export function decodeHuffman(bytes: Uint8Array): string {
  let text = '';
  let word = 0;
  let length = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      word = (word << 1) | ((byte >>> bit) & 1);
      length++;
      const symbol = symbolOf.get((length << 15) | word);
      if (symbol !== undefined) {
        text += String.fromCharCode(symbol);
        word = 0;
        length = 0;
      } else if (length > 15) {
        throw new Error('header value is no printable text');
      }
    }
  }
  // §5.2: less than a byte of ones may be left over.
  if (length > 7 || word !== (1 << length) - 1) throw new Error('broken Huffman padding');
  return text;
}
