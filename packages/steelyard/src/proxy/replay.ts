import type { Field, HeaderBlock } from '@steelyard/http2';

/** Octets of a request that are kept in case it has to be sent again. */
const MAX_LENGTH = 65_536;

/** Connections a request is given to in all, the first included: gRPC's bound for retries (gRFC A6). */
const MAX_ATTEMPTS = 5;

/**
 * What a caller has sent so far, kept until the response begins or it is too long: a pod that certainly has not looked at
 * it (RFC 9113 §8.7) is no reason for the call to fail.
 */
export class Replay {
  readonly fields: readonly Field[];
  readonly chunks: Uint8Array[] = [];
  length = 0;
  ended: boolean;
  trailers: HeaderBlock | undefined = undefined;
  #attempts = 1;

  constructor(fields: readonly Field[], ended: boolean) {
    this.fields = fields;
    this.ended = ended;
  }

  /** False when it does not fit. */
  add(bytes: Uint8Array, start: number, end: number, ended: boolean): boolean {
    this.length += end - start;
    if (this.length > MAX_LENGTH) return false;
    if (start < end) this.chunks.push(Uint8Array.prototype.slice.call(bytes, start, end));
    this.ended = ended;
    return true;
  }

  /** Counts another attempt. False when there have been enough. */
  again(): boolean {
    return ++this.#attempts <= MAX_ATTEMPTS;
  }
}
