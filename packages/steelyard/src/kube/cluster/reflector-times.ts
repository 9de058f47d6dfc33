import type { BackoffTimes } from './backoff.ts';

/** Milliseconds. */
export interface ReflectorTimes {
  /** After what the API server itself refused. */
  readonly refused: BackoffTimes;
  /** After a lost connection: there is nobody there to be spared, and whoever comes back should be seen at once. */
  readonly lost: BackoffTimes;
  /** Between two looks for a kind that is not installed: at most so long, at least half of it. */
  readonly absentMs: number;
  /** A watch asks to be ended by the API server after this time to twice this time. */
  readonly watchMs: number;
  /** Nothing at all for so long, not even a bookmark (which come about every 60 s): the stream is dead. */
  readonly silentMs: number;
  /** Until the head of an answer. */
  readonly answerMs: number;
  /** A watch that ends sooner and said nothing counts as a failure. */
  readonly shortWatchMs: number;
  /** Between two looks whether an API server that was not ready is so again: at most so long. */
  readonly returnMs: number;
}

/** client-go v0.36, tools/cache/reflector.go, where not said otherwise above. */
export const REFLECTOR_TIMES: ReflectorTimes = {
  refused: { firstMs: 800, mostMs: 30_000, jitter: 1, healthyMs: 120_000 },
  lost: { firstMs: 200, mostMs: 1000, jitter: 0.5, healthyMs: 10_000 },
  absentMs: 1800,
  watchMs: 300_000,
  silentMs: 90_000,
  answerMs: 30_000,
  shortWatchMs: 1000,
  returnMs: 1000,
};
