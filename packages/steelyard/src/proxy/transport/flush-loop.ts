/** Something that holds output back until the end of the turn. */
export interface Flushable {
  flush(): void;
}

/**
 * One write per socket and turn of the event loop: everything that was read in this turn's poll phase is worked off
 * first, then each connection with output writes it in one piece. `setImmediate` runs right after the poll phase.
 */
export class FlushLoop {
  #waiting: Flushable[] = [];
  #spare: Flushable[] = [];
  #scheduled = false;
  readonly #onTurnEnd: () => void;
  readonly #run = (): void => {
    this.#scheduled = false;
    this.#onTurnEnd();
    const batch = this.#waiting;
    this.#waiting = this.#spare;
    for (const flushable of batch) flushable.flush();
    batch.length = 0;
    this.#spare = batch;
  };

  /** @param onTurnEnd called before each round of writing. */
  constructor(onTurnEnd: () => void) {
    this.#onTurnEnd = onTurnEnd;
  }

  schedule(flushable: Flushable): void {
    this.#waiting.push(flushable);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }
}
