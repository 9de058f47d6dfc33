import type { Output } from '../output.ts';
import { copyBytes } from './bytes.ts';
import { DEFAULT_TABLE_SIZE } from './decoder.ts';
import { EntryIndex } from './entry-index.ts';
import type { Field } from './field.ts';
import type { FieldName } from './field-name.ts';
import { enlargedRing } from './ring.ts';
import { STATIC_COUNT } from './static-table.ts';

/** How many recurring fields are remembered as candidates; a power of two. */
const CANDIDATES = 64;

/** Places of fields and of names. A table of 4 KiB holds a hundred entries at the most, and in practice a dozen. */
const FIELD_PLACES = 32;
const NAME_PLACES = 16;

/** What encoders have before they have anything; never written to. */
const NO_CANDIDATES: (Field | undefined)[] = [];
const NO_ENTRIES = new EntryIndex(2);

/**
 * The sending half of HPACK for one connection. What pays here is the identity of fields: one that came out of a
 * decoder's table or out of the cache is found again by a look-up of the object, and its octets are copied as they are.
 *
 * A field enters the table when it comes a second time while it is still remembered, or when it is the first of its name
 * (so that the name can be referred to afterwards). Values that never repeat, or from a set too large for the table, thus
 * never push out those that do.
 */
export class Encoder {
  /** Never above this, whatever the peer allows: its memory is ours too. */
  readonly #cap: number;
  #capacity: number;
  /** The smallest capacity since the last block, to be announced first (RFC 7541 §4.2); -1 when there is nothing to say. */
  #lowest = -1;
  #size = 0;
  #ring: (Field | undefined)[] = [undefined, undefined, undefined, undefined];
  #mask = 3;
  /** Entries are numbered by insertion, from 1 on; the oldest alive is `#inserted - #count`. */
  #inserted = 1;
  #count = 0;
  /** Fields that repeat and were not worth a place yet. */
  #candidates: (Field | undefined)[] = NO_CANDIDATES;
  /** Of its own from the first entry on: many connections never see one. */
  #fields: EntryIndex = NO_ENTRIES;
  #names: EntryIndex = NO_ENTRIES;

  constructor(cap: number = DEFAULT_TABLE_SIZE) {
    this.#cap = cap;
    this.#capacity = Math.min(cap, DEFAULT_TABLE_SIZE);
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  setMaximumSize(size: number): void {
    const capacity = Math.min(size, this.#cap);
    if (capacity === this.#capacity) return;
    this.#lowest = this.#lowest < 0 ? capacity : Math.min(this.#lowest, capacity);
    this.#capacity = capacity;
    this.#evictTo(capacity);
  }

  /** Nothing is sent for the moment: forgets what it need not know. The table stays, it is the peer's too. */
  rest(): void {
    this.#candidates = NO_CANDIDATES;
  }

  /** Appends the block of `fields[0…count)`. */
  encode(fields: readonly Field[], count: number, out: Output): void {
    if (this.#lowest >= 0) this.#writeSizeUpdates(out);
    for (let i = 0; i < count; i++) this.#encodeField(fields[i] as Field, out);
  }

  #writeSizeUpdates(out: Output): void {
    out.ensure(12);
    if (this.#lowest < this.#capacity) writeInteger(out, 0x20, 0x1f, this.#lowest);
    writeInteger(out, 0x20, 0x1f, this.#capacity);
    this.#lowest = -1;
  }

  #encodeField(field: Field, out: Output): void {
    if (field.staticIndex !== 0) {
      out.ensure(1);
      out.buffer[out.length++] = 0x80 | field.staticIndex;
      return;
    }
    const known = field.owned ? this.#numberOf(field) : 0;
    if (known !== 0) {
      out.ensure(6);
      writeInteger(out, 0x80, 0x7f, this.#indexOf(known));
      return;
    }
    const { name } = field;
    let nameIndex = name.staticIndex;
    if (nameIndex === 0) {
      const inserted = this.#numberOfName(name);
      if (inserted !== 0) nameIndex = this.#indexOf(inserted);
    }
    const store =
      (nameIndex === 0 || field.repeated) && !field.neverIndexed && this.#isWorthStoring(field, nameIndex === 0);
    out.ensure(18 + name.bytes.length + field.end - field.start);
    if (store) {
      writeInteger(out, 0x40, 0x3f, nameIndex);
      this.#insert(field.retain());
    } else {
      writeInteger(out, field.neverIndexed ? 0x10 : 0x00, 0x0f, nameIndex);
    }
    if (nameIndex === 0) writeString(out, name.bytes, 0, name.bytes.length, false);
    writeString(out, field.bytes, field.start, field.end, field.huffman);
  }

  /** An entry of more than half the table would only push everything else out, and for the sake of a name an eighth would. */
  #isWorthStoring(field: Field, nameIsNew: boolean): boolean {
    const { size } = field;
    if (size * 2 > this.#capacity) return false;
    return (nameIsNew && size * 8 <= this.#capacity) || this.#isRecurring(field);
  }

  /** Seen before, and lately by this encoder. */
  #isRecurring(field: Field): boolean {
    if (!field.repeated) return false;
    const place = field.hash & (CANDIDATES - 1);
    if (this.#candidates[place] === field) return true;
    if (this.#candidates === NO_CANDIDATES) this.#candidates = Array.from({ length: CANDIDATES }, () => undefined);
    this.#candidates[place] = field;
    return false;
  }

  /** The number of the entry that holds the field, 0 when there is none. */
  #numberOf(field: Field): number {
    const number = this.#fields.first(field.hash);
    if (this.#isAlive(number) && this.#ring[number & this.#mask] === field) return number;
    const other = this.#fields.second(field.hash);
    return this.#isAlive(other) && this.#ring[other & this.#mask] === field ? other : 0;
  }

  /** The number of an entry with this name, 0 when there is none. */
  #numberOfName(name: FieldName): number {
    const number = this.#names.first(name.salt);
    if (this.#isAlive(number) && this.#ring[number & this.#mask]?.name === name) return number;
    const other = this.#names.second(name.salt);
    return this.#isAlive(other) && this.#ring[other & this.#mask]?.name === name ? other : 0;
  }

  #isAlive(number: number): boolean {
    return number >= this.#inserted - this.#count;
  }

  #indexOf(inserted: number): number {
    return STATIC_COUNT + this.#inserted - inserted;
  }

  #insert(field: Field): void {
    this.#evictTo(this.#capacity - field.size);
    if (this.#count > this.#mask) {
      this.#ring = enlargedRing(this.#ring, this.#inserted);
      this.#mask = this.#ring.length - 1;
    }
    if (this.#fields === NO_ENTRIES) {
      this.#fields = new EntryIndex(FIELD_PLACES);
      this.#names = new EntryIndex(NAME_PLACES);
    }
    this.#ring[this.#inserted & this.#mask] = field;
    this.#fields.add(field.hash, this.#inserted);
    this.#names.add(field.name.salt, this.#inserted);
    this.#inserted++;
    this.#count++;
    this.#size += field.size;
  }

  #evictTo(target: number): void {
    while (this.#count > 0 && this.#size > target) {
      const oldest = this.#inserted - this.#count;
      const field = this.#ring[oldest & this.#mask] as Field;
      this.#ring[oldest & this.#mask] = undefined;
      this.#size -= field.size;
      this.#count--;
    }
  }
}

/** RFC 7541 §5.1, into room that the caller has made. */
function writeInteger(out: Output, pattern: number, mask: number, value: number): void {
  const { buffer } = out;
  if (value < mask) {
    buffer[out.length++] = pattern | value;
    return;
  }
  buffer[out.length++] = pattern | mask;
  let rest = value - mask;
  while (rest >= 0x80) {
    buffer[out.length++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[out.length++] = rest;
}

function writeString(out: Output, bytes: Uint8Array, start: number, end: number, huffman: boolean): void {
  writeInteger(out, huffman ? 0x80 : 0x00, 0x7f, end - start);
  copyBytes(bytes, start, end, out.buffer, out.length);
  out.length += end - start;
}
