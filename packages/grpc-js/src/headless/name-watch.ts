import type { Random } from '@steelyard/core/balance';
import type { Clock } from '../clock.ts';
import type { EndpointWatch, ResolvedEndpoint, WatchListener } from '../targets/endpoint-watch.ts';
import type { DnsAnswer } from './dns-answer.ts';

export interface NameWatchOptions {
  /** How the name is called in messages. */
  readonly what: string;
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  /** Never rejects. `preferred`: the candidate that had the last answer. */
  readonly lookUp: (preferred: string | undefined) => Promise<DnsAnswer>;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of every look-up's outcome. */
  readonly onAnswer?: (answer: DnsAnswer) => void;
}

/** Looking again is put off by up to a tenth, so that many callers do not ask at the same moment, but no more than this. */
const MAX_JITTER_MS = 500;

/**
 * Looks a name up again and again: as its TTL runs out, sooner when asked to, later while the server fails (twice the
 * time after each failure). What it once found it keeps until something else is found: a cluster DNS that is restarting
 * answers with nothing at all, and that says nothing about the Pods.
 */
export class NameWatch implements EndpointWatch {
  readonly #options: NameWatchOptions;
  #listener: WatchListener | undefined;
  #endpoints: readonly ResolvedEndpoint[] = [];
  /** Order makes no difference: DNS servers turn their answers round. */
  #fingerprint = '';
  #note = '';
  #foundAs: string | undefined;
  #failures = 0;
  #startedAt = -Infinity;
  #looking = false;
  /** The listener waits to be called whether or not there is news. */
  #owed = false;
  #cancelTimer: () => void = () => undefined;

  constructor(options: NameWatchOptions) {
    this.#options = options;
  }

  open(listener: WatchListener): void {
    this.#listener = listener;
    this.refresh();
  }

  refresh(): void {
    this.#owed = true;
    if (this.#looking) return;
    // The floor holds for the impatient, too; before the first look-up there is none.
    const wait = this.#startedAt + this.#options.minTtlMs - this.#options.clock.now();
    if (wait > 0) this.#schedule(wait);
    else void this.#look();
  }

  close(): void {
    this.#listener = undefined;
    this.#cancelTimer();
  }

  #schedule(delayMs: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.setTimer(() => void this.#look(), delayMs);
  }

  async #look(): Promise<void> {
    this.#cancelTimer();
    this.#looking = true;
    this.#startedAt = this.#options.clock.now();
    const answer = await this.#options.lookUp(this.#foundAs);
    this.#looking = false;
    if (this.#listener === undefined) return;
    this.#options.onAnswer?.(answer);
    this.#schedule(answer.kind === 'found' ? this.#accept(answer) : this.#keep(answer.message));
  }

  /** Takes an answer over; returns when to look again. */
  #accept(answer: Extract<DnsAnswer, { kind: 'found' }>): number {
    const { minTtlMs, maxTtlMs, random } = this.#options;
    const wasFailing = this.#failures > 0;
    this.#failures = 0;
    this.#foundAs = answer.name;
    const fingerprint = answer.endpoints
      .map(({ host, port }) => `${host} ${port}`)
      .toSorted()
      .join();
    const changed = fingerprint !== this.#fingerprint;
    if (changed) {
      this.#fingerprint = fingerprint;
      this.#endpoints = answer.endpoints;
    }
    this.#note = `${this.#options.what} was found as ${answer.name}`;
    if (changed || wasFailing || this.#owed) this.#tell();
    const ttlMs = Math.min(Math.max(answer.ttlMs, minTtlMs), maxTtlMs);
    return ttlMs + random() * Math.min(ttlMs / 10, MAX_JITTER_MS);
  }

  /** Lives on with what there was; returns when to look again. */
  #keep(message: string): number {
    const { minTtlMs, maxTtlMs, random, what } = this.#options;
    const first = this.#failures === 0;
    this.#failures++;
    this.#note =
      this.#endpoints.length > 0
        ? `${what}: ${message}; the last good answer, ${this.#endpoints.length} addresses, stays`
        : `${what}: ${message}`;
    if (this.#owed || (first && this.#endpoints.length === 0)) this.#tell();
    const delayMs = Math.min(minTtlMs * 2 ** Math.min(this.#failures - 1, 30), maxTtlMs);
    return delayMs * (0.8 + 0.4 * random());
  }

  #tell(): void {
    this.#owed = false;
    if (this.#endpoints.length === 0) this.#listener?.({ ok: false, message: this.#note });
    else this.#listener?.({ ok: true, endpoints: this.#endpoints, note: this.#note });
  }
}
