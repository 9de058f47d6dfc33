import { type ConnectionError, errorCodeName, type ResetCause } from '@steelyard/http2';
import { countFault, createFaultCounts, type FaultCounts } from '../metrics/metrics-faults.ts';

/** Who floods us must not flood the log as well: so many lines in so long a time. */
const MOST_LINES = 10;
const WITHIN_MS = 10_000;

export interface PeerFaultsOptions {
  /** In words: `the connection of`, `a call of`. */
  readonly connection: string;
  readonly stream: string;
  readonly say: (message: string) => void;
  /** Milliseconds, never going back. */
  readonly now: () => number;
}

/** Counts and tells what the engine has ended since the peers of one side broke a rule. Not spoken to while they keep them. */
export class PeerFaults {
  readonly counts: FaultCounts = createFaultCounts();
  readonly #options: PeerFaultsOptions;
  #since = -Infinity;
  #said = 0;
  #unsaid = 0;

  constructor(options: PeerFaultsOptions) {
    this.#options = options;
  }

  /** The engine has ended a connection. */
  connection({ code, message }: ConnectionError, { peer }: { readonly peer: string }): void {
    const name = errorCodeName(code);
    countFault(this.counts.connections, name);
    if (this.#maySay()) this.#options.say(`${this.#options.connection} ${peer} was ended with ${name}: ${message}`);
  }

  /** A stream has ended early: told of only when it was the engine that reset it. */
  stream(code: number, cause: ResetCause, detail: string, from: { readonly peer: string }): void {
    if (cause === 'malformed' || cause === 'stalled') this.refused(code, detail, from);
  }

  /** The engine has reset a stream, or not even taken it. */
  refused(code: number, detail: string, from: { readonly peer: string }): void {
    const name = errorCodeName(code);
    countFault(this.counts.streams, name);
    if (this.#maySay()) this.#options.say(`${this.#options.stream} ${from.peer} was reset with ${name}: ${detail}`);
  }

  #maySay(): boolean {
    const { now, say } = this.#options;
    const at = now();
    if (at - this.#since >= WITHIN_MS) {
      if (this.#unsaid > 0) say(`${this.#unsaid} more such lines were left out (the metrics count all)`);
      this.#since = at;
      this.#said = 0;
      this.#unsaid = 0;
    }
    if (this.#said >= MOST_LINES) {
      this.#unsaid++;
      return false;
    }
    this.#said++;
    return true;
  }
}
