import type { Random } from '@steelyard/core/balance';

/** How long callers' connections live (gRFC A9): so that callers spread anew over proxies that came later. */
export interface MaxConnectionAge {
  /** Milliseconds, above 0. Each connection's own is within a tenth of this. */
  readonly ageMs: number;
  /** How long calls under way may go on after that. Absent: as long as they take. */
  readonly graceMs?: number | undefined;
}

/** gRFC A9: "a random jitter of +/-10%", so that connections that began together do not end together. */
const JITTER = 0.1;

/**
 * - `young`: nothing to do;
 * - `old`: takes no new calls;
 * - `over`: those under way have had their time.
 */
export type AgeStage = 'young' | 'old' | 'over';

/** One connection's age. Sees the clock only at ticks. */
export class ConnectionAge {
  readonly #oldAt: number;
  readonly #graceMs: number;
  #overAt: number = Infinity;

  /** @param bornAt milliseconds, of the clock that `stage` is asked with. */
  constructor({ ageMs, graceMs = Infinity }: MaxConnectionAge, bornAt: number, random: Random) {
    this.#oldAt = bornAt + ageMs * (1 - JITTER + 2 * JITTER * random());
    this.#graceMs = graceMs;
  }

  stage(now: number): AgeStage {
    if (now < this.#oldAt) return 'young';
    // The time of grace begins when callers are told, which a late tick delays.
    if (this.#overAt === Infinity) this.#overAt = now + this.#graceMs;
    return now < this.#overAt ? 'old' : 'over';
  }
}
