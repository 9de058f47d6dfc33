import { copyOf, latin1Text, sameBytes } from './bytes.ts';
import { Field, measuredMalformed, measureHuffman } from './field.ts';
import type { FieldName } from './field-name.ts';
import { huffmanDecode, huffmanDecodedLength } from './huffman.ts';
import { foreignFieldName } from './static-table.ts';
import { valueIsMalformed } from './value-rules.ts';

/** Look-ups after which a name is judged. */
const LEARNING = 256;

/** Values longer than this are not worth comparing. */
const LONGEST_CACHED = 512;

/** Shorter ones, mostly numbers, are made anew in less time than it takes to fetch what they are compared with. */
const SHORTEST_CACHED = 8;

interface CachedName {
  readonly name: FieldName;
  /** As on the wire. */
  readonly raw: Uint8Array;
  readonly huffman: boolean;
}

/**
 * Makes fields from the octets of literals and shares those that come again, over all connections of a process: the same
 * `:path` or `content-type` from a hundred callers is one object, checked and hashed once. Direct-mapped, so memory is
 * bounded and a hostile peer can only make it useless. A value enters at its second sight; one that never comes again
 * (a trace id, a deadline) leaves nothing behind.
 */
export class FieldCache {
  readonly #mask: number;
  readonly #fields: (Field | undefined)[];
  readonly #seenHash: Int32Array;
  readonly #names: (CachedName | undefined)[];

  /** @param slots a power of two. */
  constructor(slots = 4096) {
    this.#mask = slots - 1;
    this.#fields = Array.from({ length: slots }, () => undefined);
    this.#names = Array.from({ length: slots }, () => undefined);
    this.#seenHash = new Int32Array(slots);
  }

  /** The field of a literal, a view into `bytes` unless it is shared; `undefined` when the Huffman code is broken. */
  literal(name: FieldName, bytes: Uint8Array, start: number, end: number, huffman: boolean): Field | undefined {
    const length = end - start;
    if (length < SHORTEST_CACHED || length > LONGEST_CACHED || !isWorthAskingFor(name)) {
      return createView(name, bytes, start, end, huffman, false);
    }
    const hash = hashOf(name.salt, bytes, start, end, huffman);
    const slot = hash & this.#mask;
    const cached = this.#fields[slot];
    if (cached !== undefined && matches(cached, name, bytes, start, end, huffman)) {
      cached.repeated = true;
      name.found++;
      return cached;
    }
    const field = createView(name, bytes, start, end, huffman, false);
    if (field === undefined) return undefined;
    if (this.#seenHash[slot] !== hash) {
      this.#seenHash[slot] = hash;
      return field;
    }
    const owned = field.retain();
    this.#fields[slot] = owned;
    return owned;
  }

  /** The same for a literal that its sender puts into the dynamic table: always owned. */
  tableEntry(name: FieldName, bytes: Uint8Array, start: number, end: number, huffman: boolean): Field | undefined {
    if (end - start > LONGEST_CACHED) return createView(name, bytes, start, end, huffman, false)?.retain();
    const hash = hashOf(name.salt, bytes, start, end, huffman);
    const slot = hash & this.#mask;
    const cached = this.#fields[slot];
    if (cached !== undefined && matches(cached, name, bytes, start, end, huffman)) {
      cached.repeated = true;
      return cached;
    }
    const field = createView(name, bytes, start, end, huffman, false)?.retain();
    if (field !== undefined) this.#fields[slot] = field;
    return field;
  }

  /** RFC 7541 §6.2.3: never shared, never stored. */
  sensitive(name: FieldName, bytes: Uint8Array, start: number, end: number, huffman: boolean): Field | undefined {
    return createView(name, bytes, start, end, huffman, true);
  }

  /** The name of a literal; `undefined` when the Huffman code is broken. */
  name(bytes: Uint8Array, start: number, end: number, huffman: boolean): FieldName | undefined {
    const slot = hashOf(huffman ? 1 : 0, bytes, start, end, huffman) & this.#mask;
    const cached = this.#names[slot];
    if (cached !== undefined && cached.huffman === huffman && sameBytes(bytes, start, end, cached.raw))
      return cached.name;
    const text = decodeName(bytes, start, end, huffman);
    if (text === undefined) return undefined;
    const name = foreignFieldName(text);
    if (end - start <= LONGEST_CACHED) {
      this.#names[slot] = { name, raw: copyOf(bytes, start, end), huffman };
    }
    return name;
  }
}

/**
 * Trace ids, deadlines, request ids: names whose values do not come again are no longer looked for, but for one in sixteen,
 * which shows when that changes.
 */
function isWorthAskingFor(name: FieldName): boolean {
  if (++name.lookedUp < LEARNING) return true;
  if (name.lookedUp === 8 * LEARNING) {
    name.lookedUp = LEARNING;
    name.found >>= 3;
  }
  return name.found * 16 >= LEARNING || (name.lookedUp & 15) === 0;
}

function createView(
  name: FieldName,
  bytes: Uint8Array,
  start: number,
  end: number,
  huffman: boolean,
  neverIndexed: boolean,
): Field | undefined {
  if (!huffman) {
    const malformed = valueIsMalformed(name, bytes, start, end);
    return new Field(name, bytes, start, end, false, end - start, malformed, neverIndexed, false, 0);
  }
  const length = measureHuffman(name, bytes, start, end);
  if (length < 0) return undefined;
  return new Field(name, bytes, start, end, true, length, measuredMalformed, neverIndexed, false, 0);
}

function decodeName(bytes: Uint8Array, start: number, end: number, huffman: boolean): string | undefined {
  if (!huffman) return latin1Text(bytes, start, end);
  const length = huffmanDecodedLength(bytes, start, end);
  if (length < 0) return undefined;
  const decoded = new Uint8Array(length);
  huffmanDecode(bytes, start, end, decoded, 0);
  return latin1Text(decoded, 0, length);
}

function matches(
  field: Field,
  name: FieldName,
  bytes: Uint8Array,
  start: number,
  end: number,
  huffman: boolean,
): boolean {
  if (field.name !== name || field.huffman !== huffman || field.end - field.start !== end - start) return false;
  return sameBytes(bytes, start, end, field.bytes);
}

/**
 * FNV-1a over the ends of the octets, where paths and ids differ: it spreads values over slots; whether one is the same is
 * compared in full.
 */
function hashOf(salt: number, bytes: Uint8Array, start: number, end: number, huffman: boolean): number {
  let hash = (salt ^ (huffman ? 0x1505 : 0x811c9dc5) ^ (end - start)) | 0;
  const head = Math.min(end, start + 8);
  for (let i = start; i < head; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  for (let i = Math.max(head, end - 16); i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return hash ^ (hash >>> 15);
}
