import { ConnectionError, ErrorCode } from '../error-code.ts';
import type { Field } from './field.ts';
import type { FieldCache } from './field-cache.ts';
import type { FieldName } from './field-name.ts';
import type { HeaderBlock } from './header-block.ts';
import { enlargedRing } from './ring.ts';
import { STATIC_COUNT, STATIC_TABLE } from './static-table.ts';

/** RFC 7541 §4.2, RFC 9113 §6.5.2: what holds until SETTINGS say otherwise. */
export const DEFAULT_TABLE_SIZE = 4096;

/** The receiving half of HPACK for one connection. Every block must pass through it, also those nobody wants. */
export class Decoder {
  readonly #cache: FieldCache;
  /** The bound we announced and the peer acknowledged. */
  readonly #maximumSize: number;
  /** The bound the peer chose below it by a size update. */
  #capacity: number;
  #size = 0;
  /** Ring of entries: the newest is at `(#inserted - 1) & #mask`. It grows with what the peer puts in. */
  #ring: (Field | undefined)[] = [undefined, undefined, undefined, undefined];
  #mask = 3;
  #inserted = 0;
  #count = 0;
  #at = 0;

  constructor(cache: FieldCache, maximumSize: number = DEFAULT_TABLE_SIZE) {
    this.#cache = cache;
    this.#maximumSize = maximumSize;
    this.#capacity = maximumSize;
  }

  /** Adds the fields of a complete block to `block`. Throws a {@link ConnectionError} of COMPRESSION_ERROR. */
  decode(bytes: Uint8Array, start: number, end: number, block: HeaderBlock): void {
    this.#at = start;
    let sizeUpdateAllowed = true;
    while (this.#at < end) {
      const first = bytes[this.#at] as number;
      if (first >= 0x80) {
        block.add(this.#entry(this.#integer(bytes, end, 0x7f)));
      } else if (first >= 0x40) {
        const name = this.#name(bytes, end, 0x3f);
        const field = this.#literal(bytes, end, name, INCREMENTAL);
        this.#insert(field);
        block.add(field);
      } else if (first < 0x20) {
        const name = this.#name(bytes, end, 0x0f);
        block.add(this.#literal(bytes, end, name, first >= 0x10 ? NEVER : WITHOUT));
      } else {
        if (!sizeUpdateAllowed) throw broken('a table size update after the first field (RFC 7541 §4.2)');
        this.#resize(this.#integer(bytes, end, 0x1f));
        continue;
      }
      sizeUpdateAllowed = false;
    }
  }

  /** RFC 7541 §5.1. Leaves `#at` behind the integer. */
  #integer(bytes: Uint8Array, end: number, mask: number): number {
    let value = (bytes[this.#at++] as number) & mask;
    if (value < mask) return value;
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= end) throw broken('an integer is cut off');
      const byte = bytes[this.#at++] as number;
      // Nothing here is ever larger than 2^28: more than five octets can only be meant to hurt.
      if (shift > 21) throw broken('an integer is too large');
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  #entry(index: number): Field {
    if (index === 0) throw broken('index 0');
    if (index <= STATIC_COUNT) return STATIC_TABLE[index - 1] as Field;
    const age = index - STATIC_COUNT - 1;
    if (age >= this.#count) throw broken(`index ${index} is beyond the table`);
    const field = this.#ring[(this.#inserted - 1 - age) & this.#mask] as Field;
    field.repeated = true;
    return field;
  }

  #name(bytes: Uint8Array, end: number, mask: number): FieldName {
    const index = this.#integer(bytes, end, mask);
    if (index !== 0) return this.#entry(index).name;
    if (this.#at >= end) throw broken('a name is cut off');
    const huffman = (bytes[this.#at] as number) >= 0x80;
    const length = this.#integer(bytes, end, 0x7f);
    const start = this.#at;
    if (length > end - start) throw broken('a name is cut off');
    this.#at = start + length;
    const name = this.#cache.name(bytes, start, start + length, huffman);
    if (name === undefined) throw broken('a name is no valid Huffman string');
    return name;
  }

  #literal(bytes: Uint8Array, end: number, name: FieldName, form: number): Field {
    if (this.#at >= end) throw broken('a value is cut off');
    const huffman = (bytes[this.#at] as number) >= 0x80;
    const length = this.#integer(bytes, end, 0x7f);
    const start = this.#at;
    const stop = start + length;
    if (stop > end) throw broken('a value is cut off');
    this.#at = stop;
    const cache = this.#cache;
    let field: Field | undefined;
    if (form === WITHOUT) field = cache.literal(name, bytes, start, stop, huffman);
    else if (form === INCREMENTAL) field = cache.tableEntry(name, bytes, start, stop, huffman);
    else field = cache.sensitive(name, bytes, start, stop, huffman);
    if (field === undefined) throw broken(`the value of ${name.text} is no valid Huffman string`);
    return field;
  }

  #insert(field: Field): void {
    const size = field.size;
    this.#evictTo(this.#capacity - size);
    // RFC 7541 §4.4: an entry larger than the table leaves it empty.
    if (size > this.#capacity) return;
    if (this.#count > this.#mask) {
      this.#ring = enlargedRing(this.#ring, this.#inserted);
      this.#mask = this.#ring.length - 1;
    }
    this.#ring[this.#inserted & this.#mask] = field;
    this.#inserted++;
    this.#count++;
    this.#size += size;
  }

  #evictTo(target: number): void {
    while (this.#count > 0 && this.#size > target) {
      const position = (this.#inserted - this.#count) & this.#mask;
      const oldest = this.#ring[position] as Field;
      this.#ring[position] = undefined;
      this.#size -= oldest.size;
      this.#count--;
    }
  }

  #resize(capacity: number): void {
    if (capacity > this.#maximumSize)
      throw broken(`a table size of ${capacity} is above the ${this.#maximumSize} allowed`);
    this.#capacity = capacity;
    this.#evictTo(capacity);
  }
}

const WITHOUT = 0;
const INCREMENTAL = 1;
const NEVER = 2;

function broken(what: string): ConnectionError {
  return new ConnectionError(ErrorCode.COMPRESSION_ERROR, `header block: ${what}`);
}
