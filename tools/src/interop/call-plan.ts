/**
 * What one interop call does and must see. The plans are made here, from a seed, and handed as JSON lines to the grpc-js caller
 * and to Python's, so that both make the very same calls.
 */
export interface CallPlan {
  readonly id: number;
  readonly kind: CallKind;
  /** Sizes of the request messages; one for unary and server streaming. */
  readonly send: readonly number[];
  /** Sizes of the replies. A bidi call is answered message by message with what was sent. */
  readonly reply: readonly number[];
  /** Where in the pattern the bytes of all messages begin. */
  readonly offset: number;
  /** Values of the metadata key `interop-text`. */
  readonly text: readonly string[];
  /** Values of the metadata key `interop-bytes-bin`, in hex. */
  readonly bytes: readonly string[];
  readonly outcome: Outcome;
}

export const CALL_KINDS = ['unary', 'client-stream', 'server-stream', 'bidi'] as const;
export type CallKind = (typeof CALL_KINDS)[number];

export type Outcome =
  | { readonly kind: 'ok' }
  /** The backend ends the call with this status, after the replies or (`trailersOnly`) instead of anything else. */
  | { readonly kind: 'error'; readonly code: number; readonly message: string; readonly trailersOnly: boolean }
  /** The backend never ends the call; the caller cancels it once its headers are here. */
  | { readonly kind: 'cancel' }
  /** The backend never ends the call; the caller gives it this long. */
  | { readonly kind: 'deadline'; readonly timeoutMs: number };

/** Uniform in [0, 1). */
type Random = () => number;

/** Seeded: mulberry32, by Tommy Ettinger (public domain). */
function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Around what breaks: nothing, one frame (16384 with the prefix of 5), the default window (65535), the pattern's length. */
const EDGES = [0, 1, 5, 12, 16_378, 16_379, 16_380, 16_384, 65_529, 65_530, 65_531, 65_535, 65_536, 131_072];
/** Above gRPC's usual connection windows, below its 4 MiB limit on messages. */
const LARGEST = 1_500_000;

const TEXTS = [
  'plain',
  'with blank and, comma',
  'UPPER lower',
  '!"#$%&()*+-./:;<=>?@[]^_`{|}~',
  'a=b; c="d"',
  '%41%',
  'x'.repeat(400),
];
const MESSAGES = ['', 'no such row', '100% of it: größer, 多, 🎯', 'two\nlines', 'tab\tand "quotes"'];

/** `count` plans; the same for the same seed. */
export function planCalls(count: number, seed: number): CallPlan[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, id) => planCall(id, random));
}

function planCall(id: number, random: Random): CallPlan {
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[], otherwise: T): T => items[below(items.length)] ?? otherwise;
  const some = <T>(most: number, make: () => T): T[] => Array.from({ length: below(most + 1) }, make);

  const kind = pick(CALL_KINDS, 'unary');
  const size = (): number => {
    const roll = random();
    if (roll < 0.9) return below(200);
    if (roll < 0.98) return pick(EDGES, 0);
    if (roll < 0.997) return below(300_000);
    return below(LARGEST);
  };
  const send = kind === 'unary' || kind === 'server-stream' ? [size()] : some(6, size);
  const reply = kind === 'bidi' ? send : kind === 'server-stream' ? some(6, size) : [size()];
  return {
    id,
    kind,
    send,
    reply,
    offset: below(PATTERN_LENGTH),
    text: some(2, () => pick(TEXTS, '')),
    bytes: some(2, () => Buffer.from(some(70, () => below(256))).toString('hex')),
    outcome: planOutcome(random, below, () => pick(MESSAGES, '')),
  };
}

function planOutcome(random: Random, below: (limit: number) => number, message: () => string): Outcome {
  const roll = random();
  if (roll < 0.8) return { kind: 'ok' };
  if (roll < 0.94) {
    // 1 is what a caller says itself when it cancels; 0 is no error.
    return { kind: 'error', code: 2 + below(15), message: message(), trailersOnly: random() < 0.5 };
  }
  return roll < 0.98 ? { kind: 'cancel' } : { kind: 'deadline', timeoutMs: 20 + below(60) };
}

/** Length of the cyclic pattern that all messages are cut from. */
export const PATTERN_LENGTH: number = 1 << 19;
