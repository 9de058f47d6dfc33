import { HEADER_LENGTH } from '../message/protocol.ts';
import type { Responder, Transport } from '../answer/responder.ts';
import { Histogram, type HistogramReport } from '../../histogram.ts';
import { TIME_BOUNDS } from '../time-bounds.ts';

const TRANSPORTS: readonly Transport[] = ['udp', 'tcp'];
/** Types up to this one are counted each, what is above as the last. */
const TYPES = 257;
const CODES = 16;

/** plugin/metrics/vars, in bytes. */
const SIZE_BOUNDS = [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16e3, 32e3, 48e3, 64e3];

/** What one process counted; sums with others'. */
export interface MetricsReport {
  readonly answers: readonly AnswerCount[];
  readonly seconds: HistogramReport;
  readonly requestBytes: Readonly<Record<Transport, HistogramReport>>;
  readonly responseBytes: Readonly<Record<Transport, HistogramReport>>;
}

export interface AnswerCount {
  readonly transport: Transport;
  /** 256: any above. */
  readonly type: number;
  readonly code: number;
  readonly count: number;
}

/** Counts what is asked and answered, at the cost of a few additions. */
export class DnsMetrics {
  readonly #answers = new Float64Array(TRANSPORTS.length * TYPES * CODES);
  readonly #seconds = new Histogram(TIME_BOUNDS);
  readonly #requestBytes = { udp: new Histogram(SIZE_BOUNDS), tcp: new Histogram(SIZE_BOUNDS) };
  readonly #responseBytes = { udp: new Histogram(SIZE_BOUNDS), tcp: new Histogram(SIZE_BOUNDS) };

  /** The same answers, counted. */
  counting(respond: Responder): Responder {
    return (message, transport) => {
      const startedMs = performance.now();
      const reply = respond(message, transport);
      if (reply instanceof Promise) return this.#later(reply, message.length, transport, startedMs);
      if (reply !== undefined) this.#count(reply, message.length, transport, startedMs);
      return reply;
    };
  }

  report(): MetricsReport {
    const answers = [...this.#answers.entries()].flatMap(([index, count]) => {
      if (count === 0) return [];
      const transport = index < TYPES * CODES ? 'udp' : 'tcp';
      return [{ transport, type: Math.floor(index / CODES) % TYPES, code: index % CODES, count } as const];
    });
    const both = ({ udp, tcp }: Readonly<Record<Transport, Histogram>>): Record<Transport, HistogramReport> => ({
      udp: udp.report(),
      tcp: tcp.report(),
    });
    return {
      answers,
      seconds: this.#seconds.report(),
      requestBytes: both(this.#requestBytes),
      responseBytes: both(this.#responseBytes),
    };
  }

  async #later(
    reply: Promise<Buffer | undefined>,
    requestBytes: number,
    transport: Transport,
    startedMs: number,
  ): Promise<Buffer | undefined> {
    const answer = await reply;
    if (answer !== undefined) this.#count(answer, requestBytes, transport, startedMs);
    return answer;
  }

  #count(answer: Buffer, requestBytes: number, transport: Transport, startedMs: number): void {
    const type = Math.min(typeOf(answer), TYPES - 1);
    const index = ((transport === 'udp' ? 0 : TYPES) + type) * CODES + ((answer[3] ?? 0) & 0xf);
    this.#answers[index] = (this.#answers[index] ?? 0) + 1;
    this.#seconds.record((performance.now() - startedMs) / 1000);
    this.#requestBytes[transport].record(requestBytes);
    this.#responseBytes[transport].record(answer.length);
  }
}

/** The type asked for, from the question that the answer repeats; an answer without one is an error's: 0. */
function typeOf(answer: Buffer): number {
  let at = HEADER_LENGTH;
  for (let length = answer[at]; length !== undefined && length !== 0; length = answer[at]) at += 1 + length;
  return ((answer[at + 1] ?? 0) << 8) | (answer[at + 2] ?? 0);
}
