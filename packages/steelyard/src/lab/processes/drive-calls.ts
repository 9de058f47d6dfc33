import type { Tally } from './messages.ts';

/** A pod's `ip:port`, or why there was no answer. */
export type CallOutcome =
  | { readonly kind: 'answered'; readonly address: string }
  | { readonly kind: 'failed'; readonly reason: string };

export interface DriveOptions {
  /** Starts one call; `done` is called once, later. */
  readonly call: (done: (outcome: CallOutcome) => void) => void;
  readonly calls: number;
  /** Calls under way at any moment. */
  readonly concurrency: number;
  /** A moment in milliseconds, never going backwards. */
  readonly now: () => number;
  /** Of each answered call. */
  readonly onLatency: (milliseconds: number) => void;
  readonly onDone?: (done: number) => void;
  /** True ends the run early: no new call is started. */
  readonly enough?: (tally: Tally) => boolean;
}

/**
 * Makes `calls` calls, `concurrency` at a time. Gives up early when the first calls have failed one and all, as no
 * more will be learnt from waiting for the rest.
 */
export function driveCalls(options: DriveOptions): Promise<Tally> {
  const { calls, concurrency } = options;
  const giveUpAfter = 2 * concurrency;
  const callsByPod = new Map<string, number>();
  const callsByFailure = new Map<string, number>();
  let started = 0;
  let done = 0;
  let errors = 0;

  return new Promise((resolve) => {
    const tally = (): Tally => ({ calls: done, errors, callsByPod, callsByFailure });
    let ending = false;
    const startMore = (): void => {
      while (!ending && started < calls && started - done < concurrency) start();
      if (done === started) resolve(tally());
    };
    const start = (): void => {
      started += 1;
      const startedAt = options.now();
      options.call((outcome) => {
        done += 1;
        if (outcome.kind === 'answered') {
          options.onLatency(options.now() - startedAt);
          count(callsByPod, outcome.address);
        } else {
          errors += 1;
          count(callsByFailure, outcome.reason);
        }
        ending ||= (errors === done && errors >= giveUpAfter) || (options.enough?.(tally()) ?? false);
        options.onDone?.(done);
        startMore();
      });
    };
    startMore();
  });
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
