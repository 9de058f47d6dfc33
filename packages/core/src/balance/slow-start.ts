import type { Balanced, Picker, Random } from './picker.ts';

export interface SlowStartOptions {
  /** How long an endpoint is a newcomer. */
  readonly windowMs: number;
  /** Above 1, its share rises sooner; 1 is in proportion to time. */
  readonly aggression: number;
  /** Share to begin with, 0 to 1: without any calls nothing gets warm. */
  readonly minimumShare: number;
}

/** Envoy's `SlowStartConfig`: aggression 1, 10 %. */
export const DEFAULT_SLOW_START: Omit<SlowStartOptions, 'windowMs'> = { aggression: 1, minimumShare: 0.1 };

/** An endpoint with the moment since which it takes calls, by the caller's clock. */
export interface Started extends Balanced {
  readonly startedAtMs: number;
}

/** After so many newcomers in a row that stand back, the next one is taken as it comes. */
export const MAX_DRAWS = 16;

/** The part of a full share that an endpoint of that age gets: Envoy's `time_factor ^ (1 / aggression)`. */
export function slowStartShare(ageMs: number, { windowMs, aggression, minimumShare }: SlowStartOptions): number {
  if (ageMs >= windowMs) return 1;
  return Math.max(minimumShare, (Math.max(0, ageMs) / windowMs) ** (1 / aggression));
}

/**
 * Lets newcomers warm up under any policy: what `inner` picks is taken with the probability of its share, else `inner`
 * picks again. Where all are new, as after a start, they are new together and nobody stands back.
 *
 * @param now milliseconds, the clock of `startedAtMs`
 */
export function createSlowStartPicker<T extends Started>(
  inner: Picker<T>,
  endpoints: readonly T[],
  options: SlowStartOptions,
  random: Random,
  now: () => number,
): Picker<T> {
  let oldest = Infinity;
  let newest = -Infinity;
  for (const { startedAtMs } of endpoints) {
    oldest = Math.min(oldest, startedAtMs);
    newest = Math.max(newest, startedAtMs);
  }
  return {
    pick(hash) {
      const nowMs = now();
      if (nowMs - newest >= options.windowMs) return inner.pick(hash);
      const fullShare = slowStartShare(nowMs - oldest, options);
      for (let draw = 1; ; draw++) {
        const picked = inner.pick(hash);
        if (picked === undefined || draw >= MAX_DRAWS) return picked;
        const share = slowStartShare(nowMs - picked.startedAtMs, options);
        if (share >= fullShare || random() * fullShare < share) return picked;
      }
    },
  };
}
