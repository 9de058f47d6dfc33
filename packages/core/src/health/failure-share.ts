/** A call more moves the share by a sixteenth of what is left to go. */
const STEP = 1 / 16;
/** Time in which a share that no call confirms loses all but 1/e. */
const DECAY_MS = 5000;
/** Below this it is as good as nothing: a handicap of 1.01. */
const NEGLIGIBLE = 0.01;
const WORST_HANDICAP = 100;

/**
 * The share of an endpoint's last calls that failed, and what follows for LEAST_REQUEST: an endpoint that fails fast has
 * few calls under way and would attract all others (istio#39870; linkerd's "load biaser" answers the same). Its load counts
 * more, by the square of the share: failures that all endpoints have now and then do not disturb the balance, while one
 * that only fails is as good as gone. Time forgives, so it is tried again; a few failures and it is out again.
 */
export class FailureShare {
  #share = 0;

  /** True when the handicap may have changed. */
  record(failed: boolean): boolean {
    if (!failed && this.#share === 0) return false;
    this.#share += ((failed ? 1 : 0) - this.#share) * STEP;
    return true;
  }

  /** To be called now and then, as long as there is a handicap. */
  decay(elapsedMs: number): void {
    this.#share *= Math.exp(-elapsedMs / DECAY_MS);
    if (this.#share < NEGLIGIBLE) this.#share = 0;
  }

  /** Factor by which its load counts, from 1. */
  get handicap(): number {
    return 1 + WORST_HANDICAP * this.#share * this.#share;
  }
}
