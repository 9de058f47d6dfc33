import type { CallOutcome } from '../processes/drive-calls.ts';
import type { CallBucket } from '../processes/messages.ts';

export interface SteadyDriveOptions {
  /** Starts one call; `done` is called once, later. */
  readonly call: (done: (outcome: CallOutcome) => void) => void;
  readonly perSecond: number;
  /** Milliseconds since the epoch, never going backwards. */
  readonly now: () => number;
}

interface OpenBucket extends CallBucket {
  readonly callsByPod: Map<string, number>;
  readonly callsByFailure: Map<string, number>;
}

/** Of a bucket. */
const BUCKET_MS = 100;

/**
 * Calls at a steady rate, whatever became of the calls before: a pod that is slow or away must not slow the caller down, or the
 * picture would flatter it. `tick` is to be called every few milliseconds.
 */
export class SteadyDrive {
  readonly #options: SteadyDriveOptions;
  readonly #startedMs: number;
  readonly #buckets = new Map<number, OpenBucket>();
  readonly firstAnswerMs: Map<string, number> = new Map<string, number>();
  #started = 0;
  #pending = 0;
  #stopped: (() => void) | undefined;

  constructor(options: SteadyDriveOptions) {
    this.#options = options;
    this.#startedMs = options.now();
  }

  /** Begins the calls that are due. */
  tick(): void {
    const { now, perSecond, call } = this.#options;
    const due = Math.floor(((now() - this.#startedMs) * perSecond) / 1000);
    for (; this.#started < due && this.#stopped === undefined; this.#started++) {
      this.#pending++;
      call((outcome) => this.#ended(outcome));
    }
  }

  /** Begins no more calls; resolves when none is under way. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#stopped = resolve;
      if (this.#pending === 0) resolve();
    });
  }

  get buckets(): readonly CallBucket[] {
    return [...this.#buckets.values()].toSorted((a, b) => a.startMs - b.startMs);
  }

  #ended(outcome: CallOutcome): void {
    this.#pending--;
    const nowMs = this.#options.now();
    const startMs = Math.floor(nowMs / BUCKET_MS) * BUCKET_MS;
    let bucket = this.#buckets.get(startMs);
    if (bucket === undefined) {
      bucket = { startMs, callsByPod: new Map(), callsByFailure: new Map() };
      this.#buckets.set(startMs, bucket);
    }
    switch (outcome.kind) {
      case 'answered':
        bucket.callsByPod.set(outcome.address, (bucket.callsByPod.get(outcome.address) ?? 0) + 1);
        if (!this.firstAnswerMs.has(outcome.address)) this.firstAnswerMs.set(outcome.address, nowMs);
        break;
      case 'failed':
        bucket.callsByFailure.set(outcome.reason, (bucket.callsByFailure.get(outcome.reason) ?? 0) + 1);
        break;
    }
    if (this.#pending === 0) this.#stopped?.();
  }
}
