import type { Edns } from './parse-query.ts';
import type { ResponseCode } from './protocol.ts';
import {
  EDNS_DNSSEC_OK,
  FLAG_AUTHORITATIVE,
  FLAG_RECURSION_DESIRED,
  FLAG_RESPONSE,
  FLAG_TRUNCATED,
  HEADER_LENGTH,
  MAX_POINTER,
  MAX_UDP_SIZE,
  OPT_LENGTH,
  POINTER,
  RECORD_TYPE,
} from './protocol.ts';
import type { RecordBlock } from './records.ts';
import { RECORD_HEADER_LENGTH, encodeName, writeRecordHeader } from './records.ts';

const OPCODE_AND_RECURSION = 0x7800 | FLAG_RECURSION_DESIRED;

/** A header and nothing else: for queries whose question is not worth or not safe to repeat. */
export function writeBareError(id: number, flags: number, code: ResponseCode): Buffer {
  const message = Buffer.alloc(HEADER_LENGTH);
  message.writeUInt16BE(id, 0);
  message.writeUInt16BE(FLAG_RESPONSE | (flags & OPCODE_AND_RECURSION) | code, 2);
  return message;
}

/** Addresses in a message that may come in any order. */
export interface RotatedRecords {
  /** Where in the message they begin. */
  readonly at: number;
  readonly recordLength: number;
  /** How many of them the message has room for. */
  readonly shown: number;
  readonly count: number;
  /** All of them twice, so that any of them can be the first. */
  readonly twice: Buffer;
}

interface Rotation extends Omit<RotatedRecords, 'twice'> {
  readonly block: RecordBlock;
  readonly owner: number;
}

function pointTo(owner: number, records: Buffer, recordLength: number): void {
  for (let at = 0; at < records.length; at += recordLength) records.writeUInt16BE(POINTER | owner, at);
}

/**
 * Writes one answer, record by record, into a message of limited size: what does not fit is left out and the TC bit
 * says so, upon which the sender comes back by TCP (RFC 2181 §9, RFC 7766 §5).
 */
export class AnswerWriter {
  readonly #message: Buffer;
  /** Where records must end, so that the OPT record still fits. */
  readonly #limit: number;
  readonly #edns: Edns | undefined;
  #length: number;
  #answers = 0;
  #authorities = 0;
  #additional = 0;
  #truncated = false;
  #rotation: Rotation | undefined;

  /**
   * @param question the octets of the question, to be repeated as they came, upper and lower case included
   * @param sizeLimit of the whole message, in bytes
   * @param sizeHint how many bytes the records are going to take
   */
  constructor(question: Buffer, edns: Edns | undefined, sizeLimit: number, sizeHint: number) {
    const fixed = HEADER_LENGTH + question.length + (edns === undefined ? 0 : OPT_LENGTH);
    const size = Math.min(sizeLimit, fixed + sizeHint);
    this.#message = Buffer.allocUnsafe(Math.max(size, fixed));
    this.#limit = this.#message.length - (edns === undefined ? 0 : OPT_LENGTH);
    this.#edns = edns;
    question.copy(this.#message, HEADER_LENGTH);
    this.#length = HEADER_LENGTH + question.length;
  }

  /** Adds the records of a block from the one numbered `first`, around. `owner`: where in the message their name is. */
  addBlock(block: RecordBlock, first: number, owner: number): void {
    const { bytes, recordLength, count } = block;
    const room = Math.floor((this.#limit - this.#length) / recordLength);
    const fitting = Math.min(count, room);
    if (fitting < count) this.#truncated = true;
    const start = this.#length;
    const untilEnd = Math.min(fitting, count - first);
    bytes.copy(this.#message, start, first * recordLength, (first + untilEnd) * recordLength);
    bytes.copy(this.#message, start + untilEnd * recordLength, 0, (fitting - untilEnd) * recordLength);
    this.#length = start + fitting * recordLength;
    this.#answers += fitting;
    if (owner !== HEADER_LENGTH) pointTo(owner, this.#message.subarray(start, this.#length), recordLength);
    if (count > 1) this.#rotation = { at: start, recordLength, shown: fitting, count, block, owner };
  }

  /** How the block of addresses in the message may be turned; `undefined` where there is nothing to turn. */
  get rotation(): RotatedRecords | undefined {
    if (this.#rotation === undefined) return undefined;
    const { block, owner, ...rest } = this.#rotation;
    const twice = Buffer.concat([block.bytes, block.bytes]);
    if (owner !== HEADER_LENGTH) pointTo(owner, twice, block.recordLength);
    return { ...rest, twice };
  }

  /** Adds a CNAME record; returns where in the message its target is, the owner of what follows. */
  addAlias(target: string, ttlSeconds: number, owner: number): number {
    const data = encodeName(target);
    if (!this.#fits(RECORD_HEADER_LENGTH + data.length)) return owner;
    const at = writeRecordHeader(this.#message, this.#length, owner, RECORD_TYPE.CNAME, ttlSeconds, data.length);
    this.#length = at + data.copy(this.#message, at);
    this.#answers++;
    return at;
  }

  /** Adds the zone's SOA record to the answer or, for a negative one (RFC 2308 §3), to the authority section. */
  addSoa(section: 'answer' | 'authority', data: Buffer, ttlSeconds: number, owner: number): void {
    if (!this.#fits(RECORD_HEADER_LENGTH + data.length)) return;
    const at = writeRecordHeader(this.#message, this.#length, owner, RECORD_TYPE.SOA, ttlSeconds, data.length);
    this.#length = at + data.copy(this.#message, at);
    if (section === 'answer') this.#answers++;
    else this.#authorities++;
  }

  /** Adds one record to the answer; returns where in the message its data is, `undefined` when it does not fit. */
  addRecord(type: number, data: Buffer, ttlSeconds: number, owner: number): number | undefined {
    if (!this.#fits(RECORD_HEADER_LENGTH + data.length)) return undefined;
    const at = writeRecordHeader(this.#message, this.#length, owner, type, ttlSeconds, data.length);
    this.#length = at + data.copy(this.#message, at);
    this.#answers++;
    return at;
  }

  /**
   * Adds addresses that the caller will want next (RFC 2782). They are a courtesy: what does not fit is left out, and the
   * answer is still whole (RFC 2181 §9).
   */
  addGlue(block: RecordBlock, owner: number): void {
    const { bytes, recordLength, count } = block;
    if (owner > MAX_POINTER || this.#length + bytes.length > this.#limit) return;
    for (let from = 0; from < count * recordLength; from += recordLength) {
      bytes.copy(this.#message, this.#length, from, from + recordLength);
      this.#message.writeUInt16BE(POINTER | owner, this.#length);
      this.#length += recordLength;
      this.#additional++;
    }
  }

  /** Completes the message. `flags` are the query's. */
  finish(id: number, flags: number, code: ResponseCode, authoritative: boolean): Buffer {
    const message = this.#message;
    let header = FLAG_RESPONSE | (flags & OPCODE_AND_RECURSION) | (code & 0xf);
    if (authoritative) header |= FLAG_AUTHORITATIVE;
    if (this.#truncated) header |= FLAG_TRUNCATED;
    message.writeUInt16BE(id, 0);
    message.writeUInt16BE(header, 2);
    message.writeUInt16BE(1, 4);
    message.writeUInt16BE(this.#answers, 6);
    message.writeUInt16BE(this.#authorities, 8);
    message.writeUInt16BE(this.#additional + (this.#edns === undefined ? 0 : 1), 10);
    if (this.#edns !== undefined) this.#writeOpt(this.#edns, code);
    return message.subarray(0, this.#length);
  }

  #fits(length: number): boolean {
    if (this.#length + length <= this.#limit) return true;
    this.#truncated = true;
    return false;
  }

  /** Our own size, version 0, the upper bits of the code, and the DO bit as it came (RFC 6891 §6.1.3, RFC 3225 §3). */
  #writeOpt(edns: Edns, code: ResponseCode): void {
    let at = this.#message.writeUInt8(0, this.#length);
    at = this.#message.writeUInt16BE(RECORD_TYPE.OPT, at);
    at = this.#message.writeUInt16BE(MAX_UDP_SIZE, at);
    at = this.#message.writeUInt8(code >> 4, at);
    at = this.#message.writeUInt8(0, at);
    at = this.#message.writeUInt16BE(edns.dnssecOk ? EDNS_DNSSEC_OK : 0, at);
    this.#length = this.#message.writeUInt16BE(0, at);
  }
}
