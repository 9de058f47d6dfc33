// A writer of DNS queries and a reader of answers for tests: but for names, nothing of the program's own is used to judge it.
import assert from 'node:assert/strict';
import { encodeName } from './records.ts';

/** RFC 1035 §3.2.2 and the IANA registry. */
export const TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  HTTPS: 65,
  AXFR: 252,
  ANY: 255,
} as const;
export type TypeName = keyof typeof TYPES;

/** RFC 1035 §4.1.1. */
export const CODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
export type CodeName = keyof typeof CODES;

export interface QueryFor {
  readonly name: string;
  readonly id?: number;
  readonly type?: TypeName;
  readonly dnsClass?: number;
  readonly edns?: { readonly size: number; readonly version?: number; readonly dnssecOk?: boolean };
}

export function queryFor({ name, id = 7, type = 'A', dnsClass = 1, edns }: QueryFor): Buffer {
  const header = Buffer.from('000001000001000000000000', 'hex');
  header.writeUInt16BE(id, 0);
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(TYPES[type], 0);
  tail.writeUInt16BE(dnsClass, 2);
  const question = [encodeName(name), tail];
  if (edns === undefined) return Buffer.concat([header, ...question]);
  header.writeUInt16BE(1, 10);
  const opt = Buffer.from('0000290000000000000000', 'hex');
  opt.writeUInt16BE(edns.size, 3);
  opt.writeUInt8(edns.version ?? 0, 6);
  opt.writeUInt16BE(edns.dnssecOk === true ? 0x8000 : 0, 7);
  return Buffer.concat([header, ...question, opt]);
}

export interface DecodedRecord {
  readonly owner: string;
  readonly type: number;
  readonly dnsClass: number;
  readonly ttl: number;
  /** An address with dots, names, numbers in decimal; else hexadecimal. */
  readonly data: string;
}

export interface DecodedMessage {
  readonly id: number;
  readonly code: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly question: { readonly name: string; readonly type: number } | undefined;
  readonly answers: readonly DecodedRecord[];
  readonly authorities: readonly DecodedRecord[];
  readonly additional: readonly DecodedRecord[];
}

/** Fails when it is no message, to its last byte. */
export function decodeMessage(message: Buffer): DecodedMessage {
  let at = 12;
  const readName = (): string => {
    const labels: string[] = [];
    let cursor = at;
    let after: number | undefined;
    for (let steps = 0; ; steps++) {
      assert.ok(steps < 128, 'a name without end');
      const length = message.readUInt8(cursor);
      if (length >= 0xc0) {
        after ??= cursor + 2;
        cursor = message.readUInt16BE(cursor) & 0x3fff;
        continue;
      }
      cursor += 1 + length;
      if (length === 0) break;
      labels.push(message.toString('latin1', cursor - length, cursor));
    }
    at = after ?? cursor;
    return labels.join('.');
  };
  const readNumbers = (...sizes: readonly (2 | 4)[]): string =>
    sizes.map((size) => message.readUIntBE((at += size) - size, size)).join(' ');
  const readData = (type: number, end: number): string => {
    switch (type) {
      case TYPES.A:
        return [...message.subarray(at, end)].join('.');
      case TYPES.NS:
      case TYPES.CNAME:
      case TYPES.PTR:
        return readName();
      case TYPES.SRV:
        return `${readNumbers(2, 2, 2)} ${readName()}`;
      case TYPES.SOA:
        return `${readName()} ${readName()} ${readNumbers(4, 4, 4, 4, 4)}`;
      default:
        return message.toString('hex', at, end);
    }
  };
  const readRecords = (count = 0): readonly DecodedRecord[] =>
    Array.from({ length: count }, () => {
      const owner = readName();
      const type = message.readUInt16BE(at);
      const [dnsClass, ttl] = [message.readUInt16BE(at + 2), message.readUInt32BE(at + 4)];
      const end = at + 10 + message.readUInt16BE(at + 8);
      at += 10;
      const data = readData(type, end);
      at = end;
      return { owner, type, dnsClass, ttl, data };
    });
  const flags = message.readUInt16BE(2);
  const [questions = 0, ...counts] = [4, 6, 8, 10].map((offset) => message.readUInt16BE(offset));
  assert.ok(questions <= 1, `${questions} questions`);
  const question = questions === 1 ? { name: readName(), type: message.readUInt16BE(at) } : undefined;
  if (question !== undefined) at += 4;
  const [answers = [], authorities = [], additional = []] = counts.map(readRecords);
  assert.equal(at, message.length, 'nothing follows the records');
  return {
    id: message.readUInt16BE(0),
    code: flags & 0xf,
    authoritative: (flags & 0x400) !== 0,
    truncated: (flags & 0x200) !== 0,
    question,
    answers,
    authorities,
    additional,
  };
}
