import type { Random } from '@steelyard/core/balance';
import { formatAddress, type SocketAddress } from '../../net-address.ts';
import { FLAG_RECURSION_DESIRED, RESPONSE_CODE } from '../message/protocol.ts';
import type { Question } from '../message/parse-query.ts';
import { Histogram, type HistogramReport } from '../../histogram.ts';
import { TIME_BOUNDS } from '../time-bounds.ts';
import { exchangeTcp, exchangeUdp } from './exchange.ts';
import { type AskedQuery, writeUpstreamQuery } from './forwarded-message.ts';
import { parseUpstreamAnswer, type UpstreamAnswer } from './upstream-answer.ts';

export interface UpstreamCounts {
  /** How long they took in seconds, by response code. */
  readonly answers: ReadonlyMap<number, HistogramReport>;
  readonly failures: number;
  readonly probeFailures: number;
}

/** As CoreDNS's plugin/forward: `max_fails` and `health_check`. */
const MAX_FAILURES = 2;
const PROBE_EVERY_MS = 500;
const PROBE_TIMEOUT_MS = 1000;

/** `. NS`, which every name server answers somehow. */
const PROBE_MESSAGE = Buffer.from('000000000001000000000000 00 0002 0001'.replaceAll(' ', ''), 'hex');
const PROBE_QUESTION: Question = { name: '', labelOffsets: [], type: 2, dnsClass: 1, end: PROBE_MESSAGE.length };
const PROBE: AskedQuery = { id: 0, flags: FLAG_RECURSION_DESIRED, question: PROBE_QUESTION, edns: undefined };

/**
 * One name server that is asked for what is not ours. After two failures in a row it is taken for dead, and probed until it
 * answers again.
 */
export class Upstream {
  readonly address: SocketAddress;
  readonly #random: Random;
  readonly #closed = new AbortController();
  #failuresInARow = 0;
  #probing: NodeJS.Timeout | undefined;
  readonly #answers = new Map<number, Histogram>();
  #failures = 0;
  #probeFailures = 0;

  constructor(address: SocketAddress, random: Random) {
    this.address = address;
    this.#random = random;
  }

  get healthy(): boolean {
    return this.#failuresInARow < MAX_FAILURES;
  }

  get name(): string {
    return formatAddress(this.address);
  }

  get counts(): UpstreamCounts {
    return {
      answers: new Map([...this.#answers].map(([code, times]) => [code, times.report()])),
      failures: this.#failures,
      probeFailures: this.#probeFailures,
    };
  }

  /** Asks by UDP, and by TCP for what does not fit. Rejects when no answer came. */
  async ask(asked: AskedQuery, message: Buffer, timeoutMs: number): Promise<UpstreamAnswer> {
    const startedAt = performance.now();
    try {
      const answer = await this.#exchange(asked, message, timeoutMs);
      this.#failuresInARow = 0;
      const times = this.#answers.get(answer.code) ?? new Histogram(TIME_BOUNDS);
      times.record((performance.now() - startedAt) / 1000);
      this.#answers.set(answer.code, times);
      return answer;
    } catch (error) {
      this.#failures++;
      this.#failed();
      throw error;
    }
  }

  close(): void {
    clearTimeout(this.#probing);
    this.#closed.abort();
  }

  async #exchange(asked: AskedQuery, message: Buffer, timeoutMs: number): Promise<UpstreamAnswer> {
    const answer = await this.#overUdp(asked, message, timeoutMs, true);
    // RFC 6891 §7: a server without EDNS says so with FORMERR, or an old one with NOTIMP.
    const refusesEdns = answer.code === RESPONSE_CODE.FORMERR || answer.code === RESPONSE_CODE.NOTIMP;
    const plain = refusesEdns ? await this.#overUdp(asked, message, timeoutMs, false) : answer;
    if (!plain.truncated) return plain;
    // What fitted is better than nothing: the caller sees by TC that there is more.
    return this.#overTcp(asked, message, timeoutMs, !refusesEdns).catch(() => plain);
  }

  #overUdp(asked: AskedQuery, message: Buffer, timeoutMs: number, withEdns: boolean): Promise<UpstreamAnswer> {
    return exchangeUdp({ ...this.#plan(asked, message, withEdns), timeoutMs });
  }

  #overTcp(asked: AskedQuery, message: Buffer, timeoutMs: number, withEdns: boolean): Promise<UpstreamAnswer> {
    return exchangeTcp({ ...this.#plan(asked, message, withEdns), timeoutMs });
  }

  #plan(asked: AskedQuery, message: Buffer, withEdns: boolean) {
    const query = writeUpstreamQuery(Math.floor(this.#random() * 0x1_0000), asked, message, withEdns);
    const read = (answer: Buffer): UpstreamAnswer | undefined => parseUpstreamAnswer(answer, query, asked.question.end);
    return { to: this.address, query, signal: this.#closed.signal, read };
  }

  #failed(): void {
    this.#failuresInARow++;
    if (this.healthy || this.#probing !== undefined || this.#closed.signal.aborted) return;
    this.#probing = setTimeout(() => void this.#probe(), PROBE_EVERY_MS).unref();
  }

  async #probe(): Promise<void> {
    try {
      await this.#overUdp(PROBE, PROBE_MESSAGE, PROBE_TIMEOUT_MS, false);
      this.#failuresInARow = 0;
    } catch {
      this.#probeFailures++;
    }
    this.#probing = undefined;
    if (!this.healthy) this.#failed();
  }
}
