import type { Random } from '@steelyard/core/balance';
import type { RotatedRecords } from '../message/answer-writer.ts';
import type { Validity } from '../zone/validity.ts';

/** An answer that was written once, to be given again to whoever asks the same in the same octets. */
export interface RenderedAnswer {
  /** The whole message; its ID is another one's. */
  readonly message: Buffer;
  readonly rotation: RotatedRecords | undefined;
  /** The answer is right as long as this says so. */
  readonly validity: Validity;
}

/** A query that is longer is unusual, and not worth being remembered. */
const MAX_QUERY_LENGTH = 300;
const MAX_ENTRIES = 4096;
const MAX_BYTES = 4 << 20;

/**
 * Answers by all of their query but its ID. Bounded by turning generations: what nobody has asked for during a whole one is
 * dropped, so a flood of names that are asked once each pushes out little of what is asked for all the time.
 */
export class RenderedAnswers {
  #young = new Map<string, RenderedAnswer>();
  #old = new Map<string, RenderedAnswer>();
  #youngBytes = 0;

  /** `undefined` for a query that is not to be remembered. */
  keyOf(query: Buffer): string | undefined {
    return query.length > MAX_QUERY_LENGTH ? undefined : query.toString('latin1', 2);
  }

  get(key: string): RenderedAnswer | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young.validity.current ? young : undefined;
    const old = this.#old.get(key);
    if (old === undefined || !old.validity.current) return undefined;
    this.set(key, old);
    return old;
  }

  set(key: string, answer: RenderedAnswer): void {
    if (this.#young.size >= MAX_ENTRIES || this.#youngBytes > MAX_BYTES) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(key, answer);
    this.#youngBytes += answer.message.length + (answer.rotation?.twice.length ?? 0);
  }
}

/** The answer to this very query: with its ID, and the records turned. */
export function reissue({ message, rotation }: RenderedAnswer, query: Buffer, random: Random): Buffer {
  const answer = Buffer.allocUnsafe(message.length);
  answer.set(message);
  answer[0] = query[0] ?? 0;
  answer[1] = query[1] ?? 0;
  if (rotation !== undefined) {
    const { at, recordLength, shown, count, twice } = rotation;
    const first = Math.floor(random() * count) * recordLength;
    twice.copy(answer, at, first, first + shown * recordLength);
  }
  return answer;
}
