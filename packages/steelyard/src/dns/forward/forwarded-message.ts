import { OPT_LENGTH, MAX_UDP_SIZE, RECORD_TYPE } from '../message/protocol.ts';
import {
  EDNS_DNSSEC_OK,
  FLAG_AUTHENTIC_DATA,
  FLAG_AUTHORITATIVE,
  FLAG_CHECKING_DISABLED,
  FLAG_RECURSION_AVAILABLE,
  FLAG_RECURSION_DESIRED,
  FLAG_RESPONSE,
  FLAG_TRUNCATED,
  HEADER_LENGTH,
} from '../message/protocol.ts';
import type { Edns, Question } from '../message/parse-query.ts';
import type { UpstreamAnswer } from './upstream-answer.ts';

/** What is asked of us, in short. */
export interface AskedQuery {
  readonly id: number;
  readonly flags: number;
  readonly question: Question;
  readonly edns: Edns | undefined;
}

/** Of a query's flags, those that an upstream's answer depends on. */
export const PASSED_FLAGS: number = FLAG_RECURSION_DESIRED | FLAG_CHECKING_DISABLED | FLAG_AUTHENTIC_DATA;

/**
 * The query as an upstream gets it: the caller's question, our ID, and EDNS of our own, as its options are between two
 * neighbours only (RFC 6891 §6.2.6).
 */
export function writeUpstreamQuery(id: number, asked: AskedQuery, message: Buffer, withEdns: boolean): Buffer {
  const { end } = asked.question;
  const query = Buffer.alloc(end + (withEdns ? OPT_LENGTH : 0));
  message.copy(query, HEADER_LENGTH, HEADER_LENGTH, end);
  query.writeUInt16BE(id, 0);
  query.writeUInt16BE(asked.flags & PASSED_FLAGS, 2);
  query.writeUInt16BE(1, 4);
  if (withEdns) {
    query.writeUInt16BE(1, 10);
    writeOpt(query, end, asked.edns?.dnssecOk === true);
  }
  return query;
}

/**
 * An upstream's answer as the caller gets it: with its ID and question, `ageSeconds` older, its own EDNS, and no longer than
 * `limit`. What does not fit is left out in whole records; TC says so unless it was only additional.
 */
export function writeForwardedAnswer(
  answer: UpstreamAnswer,
  asked: AskedQuery,
  message: Buffer,
  ageSeconds: number,
  limit: number,
): Buffer {
  const opt = asked.edns === undefined ? 0 : OPT_LENGTH;
  const room = limit - opt;
  const counts = { answer: 0, authority: 0, additional: 0 };
  let end = answer.questionEnd;
  let { truncated } = answer;
  for (const { section, end: recordEnd } of answer.records) {
    if (recordEnd > room) {
      if (section !== 'additional') truncated = true;
      break;
    }
    counts[section]++;
    end = recordEnd;
  }
  const written = Buffer.allocUnsafe(end + opt);
  answer.message.copy(written, 0, 0, end);
  message.copy(written, HEADER_LENGTH, HEADER_LENGTH, asked.question.end);
  const kept = FLAG_AUTHORITATIVE | FLAG_RECURSION_AVAILABLE | FLAG_AUTHENTIC_DATA;
  const own = asked.flags & (FLAG_RECURSION_DESIRED | FLAG_CHECKING_DISABLED);
  const flags = FLAG_RESPONSE | (answer.flags & kept) | own | answer.code | (truncated ? FLAG_TRUNCATED : 0);
  written.writeUInt16BE(asked.id, 0);
  written.writeUInt16BE(flags, 2);
  written.writeUInt16BE(1, 4);
  written.writeUInt16BE(counts.answer, 6);
  written.writeUInt16BE(counts.authority, 8);
  written.writeUInt16BE(counts.additional + (opt > 0 ? 1 : 0), 10);
  for (const { ttlAt, end: recordEnd } of answer.records) {
    if (recordEnd > end) break;
    written.writeUInt32BE(Math.max(0, answer.message.readUInt32BE(ttlAt) - ageSeconds), ttlAt);
  }
  if (opt > 0) writeOpt(written, end, asked.edns?.dnssecOk === true);
  return written;
}

function writeOpt(message: Buffer, offset: number, dnssecOk: boolean): void {
  let at = message.writeUInt8(0, offset);
  at = message.writeUInt16BE(RECORD_TYPE.OPT, at);
  at = message.writeUInt16BE(MAX_UDP_SIZE, at);
  at = message.writeUInt16BE(0, at);
  at = message.writeUInt16BE(dnssecOk ? EDNS_DNSSEC_OK : 0, at);
  message.writeUInt16BE(0, at);
}
