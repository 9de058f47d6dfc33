import { lengthAt, MESSAGE_LENGTH, nonceAt, PATTERN } from '../calls/message.ts';
import type { Field } from '../wire/block-reader.ts';

/** A call under way, and whether what comes back is what it asked for. Used again when it is over. */
export class ReplyCheck {
  /** 0 while it is no call. */
  streamId = 0;
  startedAt = 0;
  #nonce = 0;
  #expected = 0;
  #received = 0;
  /** The beginning of the reply, if it comes in crumbs. */
  #head: Buffer | undefined;

  begin(streamId: number, nonce: number, replyBytes: number, startedAt: number): void {
    this.streamId = streamId;
    this.startedAt = startedAt;
    this.#nonce = nonce;
    this.#expected = MESSAGE_LENGTH - 12 + replyBytes;
    this.#received = 0;
  }

  /** Takes a piece of the message; says what is wrong with it. */
  data(bytes: Buffer, start: number, end: number): string | undefined {
    const before = this.#received;
    this.#received += end - start;
    if (before === 0 && end - start >= MESSAGE_LENGTH) {
      return this.#checkHead(bytes, start) ?? this.#checkRest(bytes, start + MESSAGE_LENGTH, end, 0);
    }
    if (before >= MESSAGE_LENGTH) return this.#checkRest(bytes, start, end, before - MESSAGE_LENGTH);
    const head = (this.#head ??= Buffer.alloc(MESSAGE_LENGTH));
    bytes.copy(head, before, start, end);
    if (this.#received < MESSAGE_LENGTH) return undefined;
    return this.#checkHead(head, 0) ?? this.#checkRest(bytes, start + MESSAGE_LENGTH - before, end, 0);
  }

  /** Says what is wrong with a call that ends with these. */
  trailers(fields: readonly Field[]): string | undefined {
    const status = fields.find(([name]) => name === 'grpc-status')?.[1];
    if (status !== '0') return fields.map(([name, value]) => `${name}: ${value}`).join(', ');
    if (this.#received === this.#expected) return undefined;
    return `${this.#received} bytes of message, expected ${this.#expected}`;
  }

  #checkHead(bytes: Buffer, at: number): string | undefined {
    if (lengthAt(bytes, at) !== this.#expected - (MESSAGE_LENGTH - 12)) return 'another message: its length';
    if (nonceAt(bytes, at) !== this.#nonce) return 'another message: that of another call';
    return undefined;
  }

  #checkRest(bytes: Buffer, start: number, end: number, offset: number): string | undefined {
    if (start >= end) return undefined;
    const to = Math.min(offset + end - start, PATTERN.length);
    return PATTERN.compare(bytes, start, end, offset, to) === 0 ? undefined : 'another message: its octets';
  }
}
