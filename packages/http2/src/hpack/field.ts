import { copyBytes, copyOf, latin1Bytes, latin1Text } from './bytes.ts';
import { FieldName } from './field-name.ts';
import { decodedClasses, huffmanDecode, huffmanDecodedLength, SymbolClass } from './huffman.ts';
import { valueIsMalformed } from './value-rules.ts';

/** Overhead of a dynamic table entry and of a field in SETTINGS_MAX_HEADER_LIST_SIZE (RFC 7541 §4.1, RFC 9113 §6.5.2). */
export const ENTRY_OVERHEAD = 32;

/**
 * One field line. The value is kept as it came off the wire, Huffman-coded or not, so that it can go out again as it is.
 * A field is either owned (valid for ever, may be shared by many connections) or a view into a read buffer, valid only
 * during the callback that delivers it.
 */
export class Field {
  readonly name: FieldName;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly huffman: boolean;
  /** Octets of the decoded value. */
  readonly length: number;
  /** The value breaks RFC 9113 §8.2.1. */
  readonly malformed: boolean;
  /** RFC 7541 §6.2.3: whoever forwards it must keep it out of every table. */
  readonly neverIndexed: boolean;
  readonly owned: boolean;
  /** Index of the identical static table entry, 0 if there is none. */
  readonly staticIndex: number;
  /** Came more than once: may be worth a place in an encoder's table. */
  repeated = false;
  /** Spreads fields over places. */
  readonly hash: number;
  #text: string | undefined;

  constructor(
    name: FieldName,
    bytes: Uint8Array,
    start: number,
    end: number,
    huffman: boolean,
    length: number,
    malformed: boolean,
    neverIndexed: boolean,
    owned: boolean,
    staticIndex: number,
  ) {
    this.name = name;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.huffman = huffman;
    this.length = length;
    this.malformed = malformed;
    this.neverIndexed = neverIndexed;
    this.owned = owned;
    this.staticIndex = staticIndex;
    this.hash =
      name.salt ^
      (length * 31) ^
      (end > start ? ((bytes[end - 1] as number) << 3) ^ (bytes[(start + end) >> 1] as number) : 0);
    this.#text = undefined;
  }

  /** Size in a dynamic table (RFC 7541 §4.1). */
  get size(): number {
    return this.name.bytes.length + this.length + ENTRY_OVERHEAD;
  }

  /** The decoded value. Costs a string the first time: not for the path of a call, unless the field repeats. */
  get text(): string {
    this.#text ??= this.#decode();
    return this.#text;
  }

  #decode(): string {
    if (!this.huffman) return latin1Text(this.bytes, this.start, this.end);
    const decoded = new Uint8Array(this.length);
    this.decodeInto(decoded);
    return latin1Text(decoded, 0, decoded.length);
  }

  /** Writes the decoded value, {@link Field.length} octets, to the beginning of `out`. */
  decodeInto(out: Uint8Array): void {
    if (this.huffman) huffmanDecode(this.bytes, this.start, this.end, out, 0);
    else copyBytes(this.bytes, this.start, this.end, out, 0);
  }

  /** This field, or a copy that outlives the read buffer. */
  retain(): Field {
    if (this.owned) return this;
    const bytes = copyOf(this.bytes, this.start, this.end);
    const { name, huffman, length, malformed, neverIndexed } = this;
    return new Field(name, bytes, 0, bytes.length, huffman, length, malformed, neverIndexed, true, 0);
  }
}

/** A field of our own making; a constant one is worth a place in the encoders' tables. */
export function createField(name: string, value: string, use: 'constant' | 'once' = 'once'): Field {
  return createNamedField(fieldName(name), value, use);
}

export function createNamedField(name: FieldName, value: string, use: 'constant' | 'once' = 'once'): Field {
  const bytes = latin1Bytes(value);
  const malformed = valueIsMalformed(name, bytes, 0, bytes.length);
  const field = new Field(name, bytes, 0, bytes.length, false, bytes.length, malformed, false, true, 0);
  field.repeated = use === 'constant';
  return field;
}

const wellKnown = new Map<string, FieldName>();

/** The name with this text, if the static table or our own code uses it. */
export function wellKnownName(text: string): FieldName | undefined {
  return wellKnown.get(text);
}

/** Registers the one {@link FieldName} of a name that the static table or our own code uses. */
export function fieldName(text: string, staticIndex = 0): FieldName {
  let name = wellKnown.get(text);
  if (name === undefined) {
    name = new FieldName(text, staticIndex);
    wellKnown.set(text, name);
  }
  return name;
}

/** Set by {@link measureHuffman} for the value it measured last. */
export let measuredMalformed = false;

/** Decoded length of a Huffman-coded value of `name`, -1 if it is not valid Huffman; sets {@link measuredMalformed}. */
export function measureHuffman(name: FieldName, bytes: Uint8Array, start: number, end: number): number {
  const length = huffmanDecodedLength(bytes, start, end);
  if (length < 0) return -1;
  if (name.isTarget) measuredMalformed = (decodedClasses & SymbolClass.NOT_VISIBLE) !== 0;
  else if ((decodedClasses & (SymbolClass.FORBIDDEN | SymbolClass.BLANK)) === 0) measuredMalformed = false;
  else {
    // Where the blanks are matters: rare enough to be looked for.
    const decoded = new Uint8Array(length);
    huffmanDecode(bytes, start, end, decoded, 0);
    measuredMalformed = valueIsMalformed(name, decoded, 0, length);
  }
  return length;
}
