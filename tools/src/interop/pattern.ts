import { createHash } from 'node:crypto';
import { PATTERN_LENGTH } from './call-plan.ts';

/** SHA-256 of "0", "1", …, one after the other; client.py makes the same. Twice, so that no message wraps more than it must. */
const cycle = Buffer.concat(
  Array.from({ length: PATTERN_LENGTH / 32 }, (_, index) => createHash('sha256').update(String(index)).digest()),
);
const pattern = Buffer.concat([cycle, cycle, cycle, cycle]);

/** Messages of the given sizes, cut from the pattern one after the other. */
export function messages(sizes: readonly number[], offset: number): Buffer[] {
  let at = offset;
  return sizes.map((size) => {
    const start = at % PATTERN_LENGTH;
    at += size;
    return pattern.subarray(start, start + size);
  });
}

/** Hash of messages with their lengths, so that a moved border between two of them shows. */
export function createMessageHash(): { add(message: Uint8Array): void; digest(): Buffer } {
  const hash = createHash('sha256');
  const length = Buffer.alloc(4);
  return {
    add(message) {
      length.writeUInt32BE(message.length);
      hash.update(length).update(message);
    },
    digest: () => hash.digest(),
  };
}
