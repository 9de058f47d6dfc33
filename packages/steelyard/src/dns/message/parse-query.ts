import { EDNS_DNSSEC_OK, FLAG_RESPONSE, HEADER_LENGTH, RECORD_TYPE, RESPONSE_CODE } from './protocol.ts';
import type { ResponseCode } from './protocol.ts';

/** What a query's OPT record says (RFC 6891 §6.1.2). */
export interface Edns {
  /** Largest UDP answer the sender takes, in bytes, as it stands there. */
  readonly udpSize: number;
  readonly version: number;
  readonly dnssecOk: boolean;
}

export interface Question {
  /** The name in lower case without the trailing dot; the root is empty. No host name looks like a label with a dot. */
  readonly name: string;
  /** Offsets in the message at which the labels begin: a compression pointer can lead to each. */
  readonly labelOffsets: readonly number[];
  readonly type: number;
  readonly dnsClass: number;
  /** Where the question ends in the message; it begins behind the header. */
  readonly end: number;
}

export type ParsedQuery =
  /** Not a query, or not even a header: no answer at all, so that two servers cannot keep each other busy. */
  | { readonly kind: 'ignored' }
  /** A query that gets a bare error. */
  | { readonly kind: 'refused'; readonly id: number; readonly flags: number; readonly code: ResponseCode }
  | {
      readonly kind: 'query';
      readonly id: number;
      readonly flags: number;
      readonly question: Question;
      readonly edns: Edns | undefined;
    };

const MAX_NAME_LENGTH = 255;
const OPCODE_MASK = 0x7800;

/** Reads one message from anybody. Every octet sequence has a result; nothing throws. */
export function parseQuery(message: Buffer): ParsedQuery {
  if (message.length < HEADER_LENGTH) return { kind: 'ignored' };
  const id = message.readUInt16BE(0);
  const flags = message.readUInt16BE(2);
  if ((flags & FLAG_RESPONSE) !== 0) return { kind: 'ignored' };
  if ((flags & OPCODE_MASK) !== 0) return { kind: 'refused', id, flags, code: RESPONSE_CODE.NOTIMP };

  const malformed: ParsedQuery = { kind: 'refused', id, flags, code: RESPONSE_CODE.FORMERR };
  // RFC 9619: a query has one question.
  if (message.readUInt16BE(4) !== 1) return malformed;
  const question = parseQuestion(message);
  if (question === undefined) return malformed;
  const edns = findEdns(message, question.end);
  if (edns === 'malformed') return malformed;
  return { kind: 'query', id, flags, question, edns };
}

function parseQuestion(message: Buffer): Question | undefined {
  const labels: string[] = [];
  const labelOffsets: number[] = [];
  let offset = HEADER_LENGTH;
  for (;;) {
    const length = message[offset];
    // Above 63 it is a pointer or something newer, and there is no name before the first one to point to.
    if (length === undefined || length > 63) return undefined;
    if (length === 0) break;
    const end = offset + 1 + length;
    if (end > message.length || end + 1 - HEADER_LENGTH > MAX_NAME_LENGTH) return undefined;
    labels.push(lowerCaseLabel(message, offset + 1, end));
    labelOffsets.push(offset);
    offset = end;
  }
  if (offset + 5 > message.length) return undefined;
  return {
    name: labels.join('.'),
    labelOffsets,
    type: message.readUInt16BE(offset + 1),
    dnsClass: message.readUInt16BE(offset + 3),
    end: offset + 5,
  };
}

/** ASCII letters only are alike in both cases (RFC 4343). A dot inside of a label is no border between two. */
function lowerCaseLabel(message: Buffer, start: number, end: number): string {
  const text = message.toString('latin1', start, end);
  const lower = /[A-Z]/.test(text) ? text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text;
  return lower.includes('.') ? lower.replaceAll('.', String.raw`\.`) : lower;
}

/** Passes over the records behind the question and reads the one OPT record among the additional ones. */
function findEdns(message: Buffer, start: number): Edns | undefined | 'malformed' {
  const beforeAdditional = message.readUInt16BE(6) + message.readUInt16BE(8);
  const records = beforeAdditional + message.readUInt16BE(10);
  let edns: Edns | undefined;
  let offset = start;
  for (let record = 0; record < records; record++) {
    const nameEnd = skipName(message, offset);
    if (nameEnd === undefined || nameEnd + 10 > message.length) return 'malformed';
    const end = nameEnd + 10 + message.readUInt16BE(nameEnd + 8);
    if (end > message.length) return 'malformed';
    if (message.readUInt16BE(nameEnd) === RECORD_TYPE.OPT) {
      // One, in the additional section, of the root name (RFC 6891 §6.1.1, §6.1.2).
      if (edns !== undefined || record < beforeAdditional || nameEnd !== offset + 1) return 'malformed';
      edns = {
        udpSize: message.readUInt16BE(nameEnd + 2),
        version: message.readUInt8(nameEnd + 5),
        dnssecOk: (message.readUInt16BE(nameEnd + 6) & EDNS_DNSSEC_OK) !== 0,
      };
    }
    offset = end;
  }
  return edns;
}

/** Where the name that begins at `start` ends; `undefined` when the message ends before it. */
export function skipName(message: Buffer, start: number): number | undefined {
  let offset = start;
  for (;;) {
    const length = message[offset];
    if (length === undefined) return undefined;
    if (length === 0) return offset + 1;
    if (length >= 0xc0) return offset + 2;
    if (length > 63) return undefined;
    offset += 1 + length;
  }
}
