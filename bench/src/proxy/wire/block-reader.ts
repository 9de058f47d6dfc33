import { DEFAULT_TABLE_SIZE } from './frame.ts';
import { decodeHuffman } from './huffman-string.ts';

export type Field = readonly [name: string, value: string];

/** RFC 7541 Appendix A: names, and values where there is one. */
// prettier-ignore
const STATIC_TABLE: readonly Field[] = (
  ':authority|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|:status=204|:status=206|' +
  ':status=304|:status=400|:status=404|:status=500|accept-charset|accept-encoding=gzip, deflate|accept-language|accept-ranges|accept|' +
  'access-control-allow-origin|age|allow|authorization|cache-control|content-disposition|content-encoding|content-language|' +
  'content-length|content-location|content-range|content-type|cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|' +
  'if-none-match|if-range|if-unmodified-since|last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|' +
  'referer|refresh|retry-after|server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate'
)
  .split('|')
  .map((entry): Field => [/^:?[^=]*/.exec(entry)?.[0] ?? '', /=(.*)/.exec(entry)?.[1] ?? '']);

/** Blocks compared before one is decoded; replies of a kind come in two: headers and trailers. */
const MOST_REMEMBERED = 4;

interface Remembered {
  readonly bytes: Buffer;
  readonly fields: readonly Field[];
}

/**
 * Decodes the header blocks of one connection (RFC 7541). A block that came before, while the table has not changed, costs one
 * comparison: replies of a kind look alike, and the driver must stay cheap beside what it measures.
 */
export class BlockReader {
  readonly #table: Field[] = [];
  #size = 0;
  #limit = DEFAULT_TABLE_SIZE;
  #seen: Remembered[] = [];

  read(bytes: Buffer, start: number, end: number): readonly Field[] {
    for (const known of this.#seen) {
      if (sameBytes(known.bytes, bytes, start, end)) return known.fields;
    }
    const cursor = { bytes, at: start, end };
    const fields: Field[] = [];
    let changed = false;
    while (cursor.at < end) {
      const first = bytes.readUInt8(cursor.at);
      if (first & 0x80) {
        fields.push(this.#entry(readInteger(cursor, 7)));
      } else if (first & 0x40) {
        const field = this.#readLiteral(cursor, 6);
        this.#add(field);
        fields.push(field);
        changed = true;
      } else if (first & 0x20) {
        this.#limit = readInteger(cursor, 5);
        this.#evict();
        changed = true;
      } else {
        fields.push(this.#readLiteral(cursor, 4));
      }
    }
    if (changed || this.#seen.length >= MOST_REMEMBERED) this.#seen = [];
    if (!changed) this.#seen.push({ bytes: Buffer.from(bytes.subarray(start, end)), fields });
    return fields;
  }

  #readLiteral(cursor: Cursor, prefix: number): Field {
    const index = readInteger(cursor, prefix);
    const name = index === 0 ? readString(cursor) : this.#entry(index)[0];
    return [name, readString(cursor)];
  }

  #entry(index: number): Field {
    const field = index <= STATIC_TABLE.length ? STATIC_TABLE[index - 1] : this.#table[index - STATIC_TABLE.length - 1];
    if (field === undefined) throw new Error(`no entry ${index} in the header table`);
    return field;
  }

  #add(field: Field): void {
    this.#table.unshift(field);
    this.#size += sizeOf(field);
    this.#evict();
  }

  #evict(): void {
    while (this.#size > this.#limit) {
      const oldest = this.#table.pop();
      if (oldest === undefined) return;
      this.#size -= sizeOf(oldest);
    }
  }
}

interface Cursor {
  readonly bytes: Buffer;
  at: number;
  readonly end: number;
}

function sameBytes(known: Buffer, bytes: Buffer, start: number, end: number): boolean {
  const length = end - start;
  if (known.length !== length) return false;
  for (let i = 0; i < length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}

/** §4.1 */
function sizeOf([name, value]: Field): number {
  return name.length + value.length + 32;
}

/** §5.1 */
function readInteger(cursor: Cursor, prefix: number): number {
  const limit = (1 << prefix) - 1;
  let value = cursor.bytes.readUInt8(cursor.at++) & limit;
  if (value < limit) return value;
  for (let shift = 0; ; shift += 7) {
    const byte = cursor.bytes.readUInt8(cursor.at++);
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return value;
    if (shift > 21) throw new Error('header integer too large');
  }
}

/** §5.2 */
function readString(cursor: Cursor): string {
  const huffman = (cursor.bytes.readUInt8(cursor.at) & 0x80) !== 0;
  const length = readInteger(cursor, 7);
  const start = cursor.at;
  cursor.at += length;
  if (cursor.at > cursor.end) throw new Error('header string beyond its block');
  return huffman
    ? decodeHuffman(cursor.bytes.subarray(start, cursor.at))
    : cursor.bytes.toString('latin1', start, cursor.at);
}
