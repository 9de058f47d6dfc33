import { FRAME } from './connection-subject.ts';
import { literalBlock, rawFrame, uint32 } from './raw-frames.ts';

/** A whole number from 0 on, below the one given. */
export type Pick = (below: number) => number;

/** Mulberry32 (T. Ettinger): small, seeded, good enough to choose frames by. */
export function randomOf(seed: number): Pick {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

const names = [
  ':method',
  ':path',
  ':scheme',
  ':authority',
  ':status',
  'te',
  'host',
  'content-length',
  'grpc-status',
  'grpc-timeout',
  'x',
  '',
];
const values = ['POST', '/a/B', 'http', '200', '', ' ', 'trailers', '12', 'a\n', 'y'.repeat(300), '0', '-1', '103'];

const REQUEST: readonly (readonly [string, string])[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/a/B'],
  [':authority', 'backend:8000'],
  ['content-type', 'application/grpc'],
];
const RESPONSE: readonly (readonly [string, string])[] = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
];

/** A header block, most of the time one that makes sense to one side or the other. */
export function someBlock(pick: Pick): number[] {
  if (pick(6) === 0) return Array.from({ length: pick(40) }, () => pick(256));
  const base = [REQUEST, RESPONSE, []][pick(3)] ?? [];
  const more = Array.from(
    { length: pick(4) },
    () => [names[pick(names.length)] ?? '', values[pick(values.length)] ?? ''] as const,
  );
  const block = literalBlock([...base, ...more]);
  if (pick(5) === 0) block.push(0x80 | pick(128));
  if (pick(8) === 0) block.unshift(0x20 | pick(32));
  return block;
}

function somePayload(type: number, pick: Pick): number[] {
  switch (type) {
    case FRAME.HEADERS:
    case FRAME.CONTINUATION:
      return someBlock(pick);
    case FRAME.SETTINGS:
      return Array.from({ length: pick(3) }, () => [
        0,
        pick(8),
        ...uint32(pick(3) === 0 ? pick(2 ** 32) : pick(70_000)),
      ]).flat();
    case FRAME.WINDOW_UPDATE:
    case FRAME.RST_STREAM:
      return uint32(pick(3) === 0 ? pick(2 ** 32) : pick(50_000));
    case FRAME.PING:
      return [1, 2, 3, 4, 5, 6, 7, 8];
    case FRAME.GOAWAY:
      return [...uint32(pick(20)), ...uint32(pick(14)), 65];
    case FRAME.PRIORITY:
      return [...uint32(pick(20)), pick(256)];
    default:
      return Array.from({ length: pick(3) === 0 ? pick(3000) : pick(20) }, () => pick(256));
  }
}

/** A frame of any type on a low stream, mostly well-formed; now and then with a length that is not so, or a flipped bit. */
export function someFrame(pick: Pick): Uint8Array {
  const type = pick(12) === 0 ? pick(256) : pick(10);
  const flags = pick(3) === 0 ? pick(256) : [0, 1, 4, 5][pick(4)];
  const streamId = pick(10) === 0 ? pick(2 ** 31) : pick(24);
  const frame = rawFrame(type, flags ?? 0, streamId, somePayload(type, pick));
  if (pick(20) === 0) frame[2] = pick(256);
  if (pick(20) === 0) {
    const at = pick(frame.length);
    frame[at] = (frame[at] ?? 0) ^ (1 << pick(8));
  }
  return frame;
}

/** What `npm run fuzz` asks of a target. */
export interface FuzzRun {
  /** A fixed number of cases by itself; on from there until the time is over. */
  readonly firstSeed: number;
  readonly minutes: number;
}

export function fuzzRun(): FuzzRun {
  return { firstSeed: Number(process.env['FUZZ_SEED'] ?? 1), minutes: Number(process.env['FUZZ_MINUTES'] ?? 0) };
}
