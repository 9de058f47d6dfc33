import { latin1Bytes } from './bytes.ts';

/** What RFC 9113 §8.2–8.3 or gRPC attach a rule to. */
export const FieldKind = {
  REGULAR: 0,
  METHOD: 1,
  SCHEME: 2,
  AUTHORITY: 3,
  PATH: 4,
  STATUS: 5,
  /** A pseudo-header field nobody defined, or one of an extension that is not in use. */
  UNKNOWN_PSEUDO: 6,
  /** `connection`, `keep-alive`, …: RFC 9113 §8.2.2 */
  CONNECTION_SPECIFIC: 7,
  TE: 8,
  HOST: 9,
  CONTENT_LENGTH: 10,
  CONTENT_TYPE: 11,
  GRPC_STATUS: 12,
  GRPC_MESSAGE: 13,
  GRPC_TIMEOUT: 14,
} as const;

const kinds = new Map<string, number>([
  [':method', FieldKind.METHOD],
  [':scheme', FieldKind.SCHEME],
  [':authority', FieldKind.AUTHORITY],
  [':path', FieldKind.PATH],
  [':status', FieldKind.STATUS],
  ['connection', FieldKind.CONNECTION_SPECIFIC],
  ['proxy-connection', FieldKind.CONNECTION_SPECIFIC],
  ['keep-alive', FieldKind.CONNECTION_SPECIFIC],
  ['transfer-encoding', FieldKind.CONNECTION_SPECIFIC],
  ['upgrade', FieldKind.CONNECTION_SPECIFIC],
  ['te', FieldKind.TE],
  ['host', FieldKind.HOST],
  ['content-length', FieldKind.CONTENT_LENGTH],
  ['content-type', FieldKind.CONTENT_TYPE],
  ['grpc-status', FieldKind.GRPC_STATUS],
  ['grpc-message', FieldKind.GRPC_MESSAGE],
  ['grpc-timeout', FieldKind.GRPC_TIMEOUT],
]);

/** A field name with everything that is known of it once and for all. Names are compared by identity where it is fast. */
export class FieldName {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly kind: number;
  /** Method, scheme, authority or path: its values are held to more. */
  readonly isTarget: boolean;
  /** Index of the first entry of the static table with this name, 0 if there is none. */
  readonly staticIndex: number;
  /** Not a lower-case token (RFC 9113 §8.2.1): a message that has it is malformed. */
  readonly malformed: boolean;
  /** Spreads names over hash slots. */
  readonly salt: number;
  /** How many literals of this name were looked for in the cache, and how many were there: of late, not in all. */
  lookedUp = 0;
  found = 0;

  constructor(text: string, staticIndex: number) {
    this.text = text;
    this.bytes = latin1Bytes(text);
    this.staticIndex = staticIndex;
    this.malformed = !isValidName(this.bytes);
    this.kind = kinds.get(text) ?? (text.startsWith(':') ? FieldKind.UNKNOWN_PSEUDO : FieldKind.REGULAR);
    this.isTarget = this.kind >= FieldKind.METHOD && this.kind <= FieldKind.PATH;
    let salt = 0;
    for (const byte of this.bytes) salt = (Math.imul(salt, 31) + byte) | 0;
    this.salt = salt;
  }
}

/**
 * RFC 9113 §8.2.1 forbids 0x00–0x20, A–Z, 0x7f–0xff and a colon that does not lead a pseudo-header field; RFC 9110 §5.1
 * wants a token, which also excludes the delimiters.
 */
function isValidName(bytes: Uint8Array): boolean {
  const start = bytes[0] === 0x3a ? 1 : 0;
  if (bytes.length === start) return false;
  for (let i = start; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte <= 0x20 || byte >= 0x7f || (byte >= 0x41 && byte <= 0x5a) || delimiters.has(byte)) return false;
  }
  return true;
}

/** RFC 9110 §9.1 */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);
}

const delimiters: ReadonlySet<number> = new Set(latin1Bytes('"(),/:;<=>?@[\\]{}'));
