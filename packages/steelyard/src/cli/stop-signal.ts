import { constants } from 'node:os';

/** Asked from outside to end. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
  /** 128 and the signal's number, as shells count it. */
  readonly exitCode: number;

  constructor(signal: StopSignalName) {
    super(`stopped by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

type StopSignalName = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

export interface StopSignals {
  /** Aborts with {@link Stopped} at the first signal. */
  readonly first: AbortSignal;
  /** Aborts at the second: whoever asks twice does not want to wait. */
  readonly second: AbortSignal;
  dispose(): void;
}

const NAMES: readonly StopSignalName[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Takes over Ctrl-C, SIGTERM and the closing of the terminal. */
export function watchStopSignals(): StopSignals {
  const first = new AbortController();
  const second = new AbortController();
  const onSignal = (name: StopSignalName): void => {
    const next = first.signal.aborted ? second : first;
    next.abort(new Stopped(name));
  };
  for (const name of NAMES) process.on(name, onSignal);
  return {
    first: first.signal,
    second: second.signal,
    dispose(): void {
      for (const name of NAMES) process.off(name, onSignal);
    },
  };
}

/** Resolves when the signal aborts, with its reason. */
export function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    else signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
  });
}
