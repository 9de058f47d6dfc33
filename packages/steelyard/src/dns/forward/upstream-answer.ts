import { skipName } from '../message/parse-query.ts';
import { FLAG_RESPONSE, FLAG_TRUNCATED, HEADER_LENGTH, RECORD_TYPE, RESPONSE_CODE } from '../message/protocol.ts';

/** A record of an upstream's answer, by its offsets in the message. */
export interface RecordPlace {
  readonly section: 'answer' | 'authority' | 'additional';
  /** Where its TTL stands. */
  readonly ttlAt: number;
  readonly end: number;
}

/** An answer of an upstream, without its OPT record, which was for us only. */
export interface UpstreamAnswer {
  readonly message: Buffer;
  readonly flags: number;
  readonly truncated: boolean;
  /** Of 4 bits: what OPT adds to it is about the hop between us. */
  readonly code: number;
  readonly questionEnd: number;
  readonly records: readonly RecordPlace[];
  /** How long it may be given to others; 0: not at all. */
  readonly ttlSeconds: number;
}

const SECTIONS = ['answer', 'authority', 'additional'] as const;
/** CoreDNS keeps a SERVFAIL for as long (plugin/cache); RFC 9520 §3.2 asks for one second at least. */
const FAILURE_TTL_SECONDS = 5;
/** A TTL with the upper bit set is 0 (RFC 2181 §8). */
const MAX_TTL = 0x7fff_ffff;

/**
 * Reads an answer of an upstream to `query`. `undefined` when it is none to that very query, with its ID and its question:
 * whoever guesses answers must guess these too (RFC 5452 §9.1).
 */
export function parseUpstreamAnswer(message: Buffer, query: Buffer, questionEnd: number): UpstreamAnswer | undefined {
  if (message.length < questionEnd || message.readUInt16BE(0) !== query.readUInt16BE(0)) return undefined;
  const flags = message.readUInt16BE(2);
  if ((flags & FLAG_RESPONSE) === 0 || message.readUInt16BE(4) !== 1) return undefined;
  if (!isSameQuestion(message, query, questionEnd)) return undefined;
  const records: RecordPlace[] = [];
  let at = questionEnd;
  const life = { least: MAX_TTL, negative: undefined as number | undefined };
  for (const [index, section] of SECTIONS.entries()) {
    for (let count = message.readUInt16BE(6 + 2 * index); count > 0; count--) {
      const nameEnd = skipName(message, at);
      if (nameEnd === undefined || nameEnd + 10 > message.length) return undefined;
      const end = nameEnd + 10 + message.readUInt16BE(nameEnd + 8);
      if (end > message.length) return undefined;
      const type = message.readUInt16BE(nameEnd);
      // Behind it stands nothing that is needed; a pointer over the gap would lead astray.
      if (type === RECORD_TYPE.OPT) return answerOf(message, at, flags, questionEnd, records, life);
      const ttl = message.readUInt32BE(nameEnd + 4);
      if (section !== 'additional') life.least = Math.min(life.least, ttl > MAX_TTL ? 0 : ttl);
      if (section === 'authority' && type === RECORD_TYPE.SOA && end >= nameEnd + 32) {
        // RFC 2308 §5: the lesser of the two.
        life.negative = Math.min(ttl, message.readUInt32BE(end - 4));
      }
      records.push({ section, ttlAt: nameEnd + 4, end });
      at = end;
    }
  }
  return answerOf(message, at, flags, questionEnd, records, life);
}

function answerOf(
  message: Buffer,
  end: number,
  flags: number,
  questionEnd: number,
  records: readonly RecordPlace[],
  life: { readonly least: number; readonly negative: number | undefined },
): UpstreamAnswer {
  const code = flags & 0xf;
  const truncated = (flags & FLAG_TRUNCATED) !== 0;
  const positive = code === RESPONSE_CODE.NOERROR && records.some(({ section }) => section === 'answer');
  let ttlSeconds = 0;
  if (truncated) ttlSeconds = 0;
  else if (code === RESPONSE_CODE.SERVFAIL) ttlSeconds = FAILURE_TTL_SECONDS;
  else if (life.negative !== undefined) ttlSeconds = Math.min(life.least, life.negative);
  else if (positive) ttlSeconds = life.least;
  // A slice of the receive buffer would keep all of it.
  return { message: Buffer.from(message.subarray(0, end)), flags, truncated, code, questionEnd, records, ttlSeconds };
}

/** ASCII letters in either case (RFC 4343); type and class are octets that no letter stands for. */
function isSameQuestion(message: Buffer, query: Buffer, end: number): boolean {
  for (let at = HEADER_LENGTH; at < end; at++) {
    const [a = 0, b = 0] = [message[at], query[at]];
    if (a === b) continue;
    const isLetter = (a | 0x20) >= 0x61 && (a | 0x20) <= 0x7a;
    if ((a ^ b) !== 0x20 || !isLetter) return false;
  }
  return true;
}
