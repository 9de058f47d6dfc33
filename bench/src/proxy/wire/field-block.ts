/** Writing of HPACK (RFC 7541) the way a gRPC caller does: constants into the table once, what differs per call as a literal. */

const STATIC_TABLE_END = 61;
/** Indices of the static table (RFC 7541 Appendix A) that calls use. */
export const STATIC = {
  authority: 1,
  post: 3,
  path: 4,
  http: 6,
  status200: 8,
  contentType: 31,
  userAgent: 58,
} as const;

export class FieldBlock {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  /** §6.1 */
  indexed(index: number): this {
    return this.#integer(index, 7, 0x80);
  }

  /** §6.2.1: a literal that goes into the table. The name is an index or a text. */
  remembered(name: number | string, value: string): this {
    return this.#literal(name, value, 6, 0x40);
  }

  /** §6.2.2: a literal that stays out of it. */
  literal(name: number | string, value: string): this {
    return this.#literal(name, value, 4, 0x00);
  }

  toBuffer(): Buffer {
    return Buffer.from(this.#bytes);
  }

  #literal(name: number | string, value: string, prefix: number, pattern: number): this {
    if (typeof name === 'number') this.#integer(name, prefix, pattern);
    else this.#integer(0, prefix, pattern).#string(name);
    return this.#string(value);
  }

  #string(text: string): this {
    this.#integer(text.length, 7, 0x00);
    this.#bytes.push(...Buffer.from(text, 'latin1'));
    return this;
  }

  /** §5.1 */
  #integer(value: number, prefix: number, pattern: number): this {
    const limit = (1 << prefix) - 1;
    if (value < limit) {
      this.#bytes.push(pattern | value);
      return this;
    }
    this.#bytes.push(pattern | limit);
    let rest = value - limit;
    for (; rest >= 128; rest >>>= 7) this.#bytes.push((rest & 127) | 128);
    this.#bytes.push(rest);
    return this;
  }
}

/** Index of the entry that was remembered as number `nth` (from 0) of `count`: the newest is the first after the static table. */
export function rememberedIndex(nth: number, count: number): number {
  return STATIC_TABLE_END + count - nth;
}
