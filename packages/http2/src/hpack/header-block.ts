import { ConnectionError, ErrorCode } from '../error-code.ts';
import { latin1Bytes } from './bytes.ts';
import { createField, createNamedField, ENTRY_OVERHEAD, type Field } from './field.ts';
import { FieldKind, isToken } from './field-name.ts';

/** What a block is the header of: it decides which fields are legal (RFC 9113 §8.3). */
export type BlockRole = 'request' | 'response' | 'trailers';

/**
 * The field lines of one message part, in order, with what the rules of RFC 9113 §8 say about them. One per connection,
 * filled anew by each HEADERS: valid only during the callback that delivers it (see {@link HeaderBlock.retain}).
 */
export class HeaderBlock {
  /** Only the first {@link HeaderBlock.count} are of this block. */
  fields: Field[] = [];
  count = 0;
  /** Sum of name, value and 32 octets a field, as SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 §6.5.2). */
  size = 0;
  /** Past the limits fields are no longer kept. */
  tooLarge = false;
  /** It is their number that is too large, or was before their size. */
  tooMany = false;
  /** Why the message is malformed (RFC 9113 §8.1.1), for people. */
  problem: string | undefined = undefined;
  method: Field | undefined = undefined;
  scheme: Field | undefined = undefined;
  authority: Field | undefined = undefined;
  path: Field | undefined = undefined;
  status: Field | undefined = undefined;
  host: Field | undefined = undefined;
  contentType: Field | undefined = undefined;
  grpcStatus: Field | undefined = undefined;
  grpcTimeout: Field | undefined = undefined;
  /** Of `content-length`, -1 without one. */
  contentLength = -1;
  readonly #maxSize: number;
  readonly #maxFields: number;
  #role: BlockRole = 'request';
  #regularSeen = false;
  /** The last one that was looked at and found good. */
  #goodAuthority: Field | undefined = undefined;

  constructor(maxSize: number, maxFields: number) {
    this.#maxSize = maxSize;
    this.#maxFields = maxFields;
  }

  begin(role: BlockRole): void {
    this.#role = role;
    this.#regularSeen = false;
    this.count = 0;
    this.size = 0;
    this.tooLarge = false;
    this.tooMany = false;
    this.problem = undefined;
    this.method = undefined;
    this.scheme = undefined;
    this.authority = undefined;
    this.path = undefined;
    this.status = undefined;
    this.host = undefined;
    this.contentType = undefined;
    this.grpcStatus = undefined;
    this.grpcTimeout = undefined;
    this.contentLength = -1;
  }

  /** For blocks of our own making. Nothing is checked. */
  static of(fields: readonly Field[]): HeaderBlock {
    const block = new HeaderBlock(Infinity, Infinity);
    block.fields.push(...fields);
    block.count = fields.length;
    return block;
  }

  /** A copy that outlives the callback. */
  retain(): HeaderBlock {
    return HeaderBlock.of(this.fields.slice(0, this.count).map((field) => field.retain()));
  }

  /**
   * Gives the array of fields away for another. Views among them stay valid as long as the chunk they were read from, which
   * they keep alive.
   */
  exchangeFields(other: Field[]): Field[] {
    const { fields } = this;
    this.fields = other;
    this.count = 0;
    return fields;
  }

  /** Lets go of the fields of the last block, and so of the read buffers they are views of. */
  forget(): void {
    if (this.fields.length === 0) return;
    this.fields = [];
    this.begin(this.#role);
  }

  /** Fills places in an array of fields that hold nothing any more. */
  static readonly NO_FIELD: Field = createField('-', '');

  add(field: Field): void {
    const name = field.name;
    this.size += name.bytes.length + field.length + ENTRY_OVERHEAD;
    if (this.size > this.#maxSize || this.count === this.#maxFields) {
      if (!this.tooLarge) this.tooMany = this.size <= this.#maxSize;
      this.tooLarge = true;
      // A few octets of indices can stand for megabytes (CVE-2016-6581): decoding on would be paid by us.
      if (this.size > 4 * this.#maxSize) {
        throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'a header list far beyond the limit');
      }
      return;
    }
    let kept = field;
    if (field.malformed) {
      if (name.kind === FieldKind.GRPC_MESSAGE) kept = mendMessage(field);
      else this.problem ??= `the value of ${name.text} has a forbidden octet, or a blank at an end`;
    }
    if (name.kind === FieldKind.REGULAR) {
      this.#regularSeen = true;
      if (name.malformed) this.problem ??= `${JSON.stringify(name.text)} is no lower-case field name`;
    } else if (name.kind <= FieldKind.UNKNOWN_PSEUDO) {
      this.#addPseudo(kept);
    } else {
      this.#regularSeen = true;
      this.#addSpecial(kept);
    }
    this.fields[this.count++] = kept;
  }

  #addPseudo(field: Field): void {
    const name = field.name;
    if (this.#regularSeen) this.problem ??= `${name.text} after a regular field`;
    switch (name.kind) {
      case FieldKind.METHOD:
        this.#once(this.method, field, 'request');
        this.method = field;
        return;
      case FieldKind.SCHEME:
        this.#once(this.scheme, field, 'request');
        this.scheme = field;
        return;
      case FieldKind.AUTHORITY:
        this.#once(this.authority, field, 'request');
        this.authority = field;
        return;
      case FieldKind.PATH:
        this.#once(this.path, field, 'request');
        this.path = field;
        return;
      case FieldKind.STATUS:
        this.#once(this.status, field, 'response');
        this.status = field;
        return;
      default:
        this.problem ??= `${name.text} is not a pseudo-header field in use here`;
    }
  }

  #once(earlier: Field | undefined, field: Field, role: BlockRole): void {
    if (role !== this.#role) this.problem ??= `${field.name.text} in ${ARTICLE[this.#role]}`;
    else if (earlier !== undefined) this.problem ??= `${field.name.text} twice`;
  }

  #addSpecial(field: Field): void {
    switch (field.name.kind) {
      case FieldKind.CONNECTION_SPECIFIC:
        this.problem ??= `${field.name.text} does not belong in HTTP/2`;
        return;
      case FieldKind.TE:
        // RFC 9113 §8.2.2 allows no other value, RFC 9110 §10.1.4 any case of it.
        if (field.text !== 'trailers' && field.text.toLowerCase() !== 'trailers') {
          this.problem ??= `te may only be "trailers"`;
        }
        return;
      case FieldKind.HOST:
        if (this.host !== undefined) this.problem ??= 'host twice';
        this.host = field;
        return;
      case FieldKind.CONTENT_LENGTH:
        this.#addContentLength(field);
        return;
      case FieldKind.CONTENT_TYPE:
        this.contentType = field;
        return;
      case FieldKind.GRPC_STATUS:
        this.grpcStatus = field;
        return;
      case FieldKind.GRPC_TIMEOUT:
        this.grpcTimeout ??= field;
        return;
      default:
    }
  }

  #addContentLength(field: Field): void {
    const { text } = field;
    // 15 digits stay exact; nobody sends a petabyte in one message.
    const value = /^\d{1,15}$/.test(text) ? Number(text) : -1;
    if (value < 0) this.problem ??= 'content-length is no number';
    else if (this.contentLength >= 0 && this.contentLength !== value) this.problem ??= 'two different content-length';
    this.contentLength = value;
  }

  /** To be called when the block is complete: what only the whole can tell (RFC 9113 §8.3.1, §8.3.2). */
  finish(): void {
    if (this.problem !== undefined || this.tooLarge) return;
    if (this.#role === 'request') this.problem = this.#requestProblem();
    else if (this.#role === 'response') this.problem = responseProblem(this.status);
  }

  #requestProblem(): string | undefined {
    const { method, scheme, path, authority, host } = this;
    if (method === undefined) return 'no :method';
    if (method.length === 0) return ':method is empty';
    if (method.length === 7 && method.text === 'CONNECT') {
      return 'CONNECT is not offered';
    }
    if (method.staticIndex === 0 && !isToken(method.text)) return ':method is no token';
    if (scheme === undefined || scheme.length === 0) return 'no :scheme';
    if (scheme.staticIndex === 0 && !/^[a-z][a-z0-9+.-]*$/i.test(scheme.text)) return ':scheme is none';
    if (path === undefined || path.length === 0) return 'no :path';
    if (!beginsWithSlash(path) && (path.text !== '*' || method.text !== 'OPTIONS'))
      return ':path does not begin with a slash';
    const meant = authority ?? host;
    // Callers name the same authority again and again: the same object, and one look.
    if (meant !== undefined && meant !== this.#goodAuthority) {
      // RFC 9113 §8.3.1: a way to show people one host and reach another.
      if (meant.text.includes('@')) return `userinfo in ${meant.name.text}`;
      if (meant.owned) this.#goodAuthority = meant;
    }
    if (host !== undefined && authority !== undefined && !sameAuthority(host, authority, scheme)) {
      return 'host and :authority differ';
    }
    return undefined;
  }
}

/** Tells it from the octets as they came: "/" is 011000 in Huffman code (RFC 7541 Appendix B). */
function beginsWithSlash({ bytes, start, huffman }: Field): boolean {
  const first = bytes[start] ?? 0;
  return huffman ? first >>> 2 === 0x18 : first === 0x2f;
}

/** RFC 9113 §8.3.1: compared as RFC 3986 §6.2.2 and §6.2.3 have it, without case and without the port of the scheme. */
function sameAuthority(host: Field, authority: Field, scheme: Field): boolean {
  if (host.text === authority.text) return true;
  const ownPort = scheme.text === 'https' ? /:(?:443)?$/ : /:(?:80)?$/;
  const [a, b] = [host, authority].map(({ text }) => text.toLowerCase().replace(ownPort, ''));
  return a === b;
}

const ARTICLE: Readonly<Record<BlockRole, string>> = {
  request: 'a request',
  response: 'a response',
  trailers: 'trailers',
};

function responseProblem(status: Field | undefined): string | undefined {
  if (status === undefined) return 'no :status';
  if (status.length !== 3 || (status.staticIndex === 0 && !/^[1-9]\d\d$/.test(status.text))) {
    return ':status is no three-digit number';
  }
  // RFC 9113 §8.6
  return status.staticIndex === 0 && status.text === '101' ? '101 does not exist in HTTP/2' : undefined;
}

/**
 * gRPC's C core leaves blanks at the ends of `grpc-message` as they are, which RFC 9113 §8.2.1 forbids to forward.
 * Percent-encoding them, as the gRPC protocol asks senders to do, loses nothing. Other forbidden octets are encoded too.
 */
function mendMessage(field: Field): Field {
  const bytes = latin1Bytes(field.text);
  let text = '';
  for (const [i, byte] of bytes.entries()) {
    const blankAtEnd = (byte === 0x20 || byte === 0x09) && (i === 0 || i === bytes.length - 1);
    const forbidden = byte === 0x00 || byte === 0x0a || byte === 0x0d;
    if (blankAtEnd || forbidden) text += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    else text += String.fromCharCode(byte);
  }
  return createNamedField(field.name, text);
}
