import { type Field, HeaderBlock } from '@steelyard/http2';

/**
 * Octets of a request that are kept in case it has to be sent again. A pod that has not looked at a stream has not widened
 * its window either, so at most that window (64 KiB, gRPC's default) has left, and our own (256 KiB) has come in behind it.
 */
const MAX_LENGTH = 393_216;

/** A stream of many small messages costs more in bookkeeping than in octets. */
const MAX_PARTS = 256;

/** A chunk this much larger than what is kept of it is not worth holding on to. */
const SPARE = 2;

/** Connections a request is given to in all, the first included: gRPC's bound for retries (gRFC A6). */
const MAX_ATTEMPTS = 5;

const EMPTY = new Uint8Array(0);

/** A piece of a request's body, where it was read. */
export interface BodyPart {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/**
 * What a caller has sent so far, kept until the response begins or it is too long: a pod that certainly has not looked at
 * it (RFC 9113 §8.7) is no reason for the call to fail. Nothing is copied: it refers to the chunks as they were read, which
 * are nobody's afterwards. One for every call, so they are used again ({@link ReplayPool}).
 */
export class Replay {
  #fields: Field[] = [];
  #count = 0;
  // Nearly every request is one message in one piece: that costs no array.
  #first: Uint8Array = EMPTY;
  #firstStart = 0;
  #firstEnd = 0;
  #more: BodyPart[] | undefined = undefined;
  /** What is kept has been copied since it last grew. */
  #compact = false;
  length = 0;
  ended = false;
  trailers: HeaderBlock | undefined = undefined;
  /** The header of a response that is not passed on yet. */
  held: HeaderBlock | undefined = undefined;
  /** Holds it, in one call after the other. */
  #holder: HeaderBlock | undefined = undefined;
  #attempts = 1;

  /** Takes the fields over from `block`, which is done with. */
  begin(block: HeaderBlock, ended: boolean): void {
    this.#count = block.count;
    this.#fields = block.exchangeFields(this.#fields);
    this.ended = ended;
  }

  /** Lets go of everything. */
  clear(): void {
    empty(this.#fields, this.#count);
    this.#count = 0;
    this.#first = EMPTY;
    this.#firstStart = 0;
    this.#firstEnd = 0;
    this.#more = undefined;
    this.length = 0;
    this.trailers = undefined;
    this.#attempts = 1;
    this.#compact = false;
    this.letGo();
  }

  /** All of the request is here. */
  get complete(): boolean {
    return this.ended || this.trailers !== undefined;
  }

  /** There is nothing beyond the header. */
  get bare(): boolean {
    return this.ended && this.length === 0 && this.trailers === undefined;
  }

  /** Attempts that no pod has looked at. */
  get untouched(): number {
    return this.#attempts - 1;
  }

  /** Takes the header of a response over from `block`. Most of its fields are shared ones, which costs no copy. */
  hold(block: HeaderBlock): void {
    const holder = (this.#holder ??= HeaderBlock.of([]));
    const { count } = block;
    const fields = block.exchangeFields(holder.fields);
    for (let i = 0; i < count; i++) fields[i] = (fields[i] ?? HeaderBlock.NO_FIELD).retain();
    holder.fields = fields;
    holder.count = count;
    this.held = holder;
  }

  /** Forgets the header that is held. */
  letGo(): void {
    const { held } = this;
    if (held === undefined) return;
    this.held = undefined;
    empty(held.fields, held.count);
    held.count = 0;
  }

  /** False when it does not fit. */
  add(bytes: Uint8Array, start: number, end: number, ended: boolean): boolean {
    this.ended = ended;
    if (start === end) return true;
    if (this.length === 0) {
      this.#first = bytes;
      this.#firstStart = start;
      this.#firstEnd = end;
    } else {
      (this.#more ??= []).push({ bytes, start, end });
    }
    this.length += end - start;
    this.#compact = false;
    return this.length <= MAX_LENGTH && (this.#more === undefined || this.#more.length < MAX_PARTS);
  }

  /**
   * Copies what is kept out of the chunks that it was read in, as far as those are much larger. Few calls wait so long for
   * their response that it is worth it; those that do would hold on to what others have sent.
   */
  compact(): void {
    if (this.#compact) return;
    this.#compact = true;
    for (let i = 0; i < this.#count; i++) this.#fields[i] = (this.#fields[i] ?? HeaderBlock.NO_FIELD).retain();
    const [first, ...more] = this.parts().map(compacted);
    if (first === undefined) return;
    ({ bytes: this.#first, start: this.#firstStart, end: this.#firstEnd } = first);
    if (this.#more !== undefined) this.#more = more;
  }

  /** Counts another attempt. False when there have been enough. */
  again(): boolean {
    return ++this.#attempts <= MAX_ATTEMPTS;
  }

  block(): HeaderBlock {
    return HeaderBlock.of(this.#fields.slice(0, this.#count));
  }

  parts(): readonly BodyPart[] {
    if (this.length === 0) return [];
    return [{ bytes: this.#first, start: this.#firstStart, end: this.#firstEnd }, ...(this.#more ?? [])];
  }
}

/** For a handful of places a loop is much faster than `fill`. */
function empty(fields: Field[], count: number): void {
  for (let i = 0; i < count; i++) fields[i] = HeaderBlock.NO_FIELD;
}

function compacted(part: BodyPart): BodyPart {
  const { bytes, start, end } = part;
  if (bytes.buffer.byteLength <= SPARE * (end - start)) return part;
  return { bytes: Uint8Array.from(bytes.subarray(start, end)), start: 0, end: end - start };
}

/** How many idle replays are held on to. */
const KEEP = 1024;

export class ReplayPool {
  readonly #free: Replay[] = [];

  acquire(): Replay {
    return this.#free.pop() ?? new Replay();
  }

  release(replay: Replay): void {
    replay.clear();
    if (this.#free.length < KEEP) this.#free.push(replay);
  }
}
