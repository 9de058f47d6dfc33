/**
 * A 32-bit hash of a text, well mixed: MurmurHash3 (Austin Appleby, x86_32) over UTF-16 code units. The same on every
 * machine and in every version, as callers rely on where their keys land. Allocates nothing.
 *
 * @returns a whole number from 0 to 2^32 - 1
 */
export function hashText(text: string, seed = 0): number {
  let hash = seed | 0;
  for (let at = 0; at < text.length; at++) {
    let block = Math.imul(text.charCodeAt(at), 0xcc9e2d51);
    block = Math.imul((block << 15) | (block >>> 17), 0x1b873593);
    hash ^= block;
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  return mixHash(hash ^ text.length);
}

/** Murmur's finalizer: every bit of the input moves about half of the bits of the output. */
export function mixHash(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
