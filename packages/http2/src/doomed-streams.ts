import { FRAME_HEADER_LENGTH, FrameType, readUint32 } from './frame.ts';

/**
 * Streams that one read both opens and resets: what a rapid reset (CVE-2023-44487) is made of. Knowing them before the
 * read is worked off keeps their requests from the pods. Looks at frame headers only, from one that begins at `start`.
 */
export function findDoomedStreams(chunk: Uint8Array, start: number, lastStreamId: number): Set<number> | undefined {
  let doomed: Set<number> | undefined;
  for (let at = start; at + FRAME_HEADER_LENGTH <= chunk.length;) {
    if (chunk[at + 3] === FrameType.RST_STREAM) {
      const streamId = readUint32(chunk, at + 5) & 0x7fffffff;
      if (streamId > lastStreamId) {
        doomed ??= new Set();
        doomed.add(streamId);
      }
    }
    const length = ((chunk[at] as number) << 16) | ((chunk[at + 1] as number) << 8) | (chunk[at + 2] as number);
    at += FRAME_HEADER_LENGTH + length;
  }
  return doomed;
}
