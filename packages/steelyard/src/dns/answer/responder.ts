import type { Random } from '@steelyard/core/balance';
import { AnswerWriter, writeBareError } from '../message/answer-writer.ts';
import type { ParsedQuery, Question } from '../message/parse-query.ts';
import { parseQuery } from '../message/parse-query.ts';
import type { ResponseCode } from '../message/protocol.ts';
import { CLASS_ANY, CLASS_IN, HEADER_LENGTH, RECORD_TYPE, RESPONSE_CODE } from '../message/protocol.ts';
import { encodeName, type RecordBlock } from '../message/records.ts';
import { REVERSE_ZONE_LABELS } from '../zone/reverse-zone.ts';
import { type ServiceRecord, SRV_FIXED_LENGTH } from '../zone/service-records.ts';
import { SOA_RECORD_LENGTH, encodeSoaData } from '../message/soa.ts';
import type { Validity } from '../zone/validity.ts';
import type { Lookup, Zone } from '../zone/zone.ts';
import { reissue, RenderedAnswers } from './rendered-answers.ts';
import { sizeLimit } from './size-limit.ts';

export type Transport = 'udp' | 'tcp';

/** `undefined` where no answer is due; later, where others have to be asked. Never rejects. */
export type Reply = Buffer | undefined | Promise<Buffer | undefined>;

/** One message in, one message out. Total: no message makes it throw. */
export type Responder = (message: Buffer, transport: Transport) => Reply;

export type Query = Extract<ParsedQuery, { kind: 'query' }>;

export interface ResponderOptions {
  readonly zone: Zone;
  /** Turns the order of the addresses, so that callers spread over them. */
  readonly random: Random;
  /**
   * Until then nothing is known of the zone, and that is what is said: SERVFAIL makes callers ask again, NXDOMAIN would
   * make them give up. Default: always.
   */
  readonly ready?: () => boolean;
  /** Answers queries for names that are not the zone's; without it they are REFUSED. */
  readonly forward?: (query: Query, message: Buffer, transport: Transport) => Reply;
}

/** Of the specification of these names, as character-string (RFC 1035 §3.3.14). CoreDNS keeps it for eight hours too. */
const DNS_VERSION = Buffer.from('\u{5}1.1.0', 'latin1');
const DNS_VERSION_TTL = 28_800;

/** How many aliases are followed within the zone before the caller has to go on by itself. */
const MAX_ALIASES = 8;

/** Answers queries about a zone. */
export function createResponder({ zone, random, ready = () => true, forward }: ResponderOptions): Responder {
  const zoneLabels = zone.name.split('.').length;
  // What fits into a message differs.
  const rendered = { udp: new RenderedAnswers(), tcp: new RenderedAnswers() };

  return (message, transport) => {
    const key = rendered[transport].keyOf(message);
    const known = key === undefined ? undefined : rendered[transport].get(key);
    if (known !== undefined) return reissue(known, message, random);
    const query = parseQuery(message);
    if (query.kind === 'ignored') return undefined;
    if (query.kind === 'refused') return writeBareError(query.id, query.flags, query.code);
    const found = zone.lookup(query.question.name);
    const error = errorFor(query, found);
    // A reverse name that is none of the cluster's may well be somebody else's.
    const isElsewhere = found.kind === 'elsewhere' || (found.kind === 'pointers' && found.targets.length === 0);
    const isOurs = found.kind === 'pointers' && !ready();
    if (isElsewhere && !isOurs && forward !== undefined && (error === undefined || error === RESPONSE_CODE.REFUSED)) {
      if (isForwarded(query)) return forward(query, message, transport);
    }
    const limit = sizeLimit(query.edns, transport);
    const repeated = message.subarray(HEADER_LENGTH, query.question.end);
    if (error !== undefined) return writeError(query, repeated, limit, error);
    // What the zone says before it is whole is not kept.
    if (!ready()) return writeError(query, repeated, limit, RESPONSE_CODE.SERVFAIL);
    const writer = new AnswerWriter(repeated, query.edns, limit, sizeHint(found, query.question.type, limit));
    const said = writeRecords(writer, query.question, found);
    const answer = writer.finish(query.id, query.flags, said.code, true);
    if (key !== undefined && said.validity !== undefined) {
      const { rotation } = writer;
      rendered[transport].set(key, { message: Buffer.from(answer), rotation, validity: said.validity });
    }
    return answer;
  };

  function writeError({ id, flags, edns }: Query, repeated: Buffer, limit: number, code: ResponseCode): Buffer {
    return new AnswerWriter(repeated, edns, limit, 0).finish(id, flags, code, false);
  }

  /** Writes what is known about the name, following aliases; the code is that of the last name. */
  function writeRecords(writer: AnswerWriter, question: Question, first: Lookup): Said {
    let found = first;
    let owner = HEADER_LENGTH;
    for (let aliases = 0; found.kind === 'alias' && aliases < MAX_ALIASES; aliases++) {
      owner = writer.addAlias(found.target, zone.ttlSeconds, owner);
      if (question.type === RECORD_TYPE.CNAME) return { code: RESPONSE_CODE.NOERROR, validity: zone.validity };
      found = zone.lookup(found.target);
    }
    if (found.kind === 'alias' || found.kind === 'elsewhere') {
      return { code: RESPONSE_CODE.NOERROR, validity: zone.validity };
    }
    if (writePositive(writer, question, found, owner)) {
      // Services are turned, too, but not in one piece: each answer is written anew.
      if (question.type === RECORD_TYPE.SRV) return { code: RESPONSE_CODE.NOERROR, validity: undefined };
      const validity = found === first && found.kind === 'addresses' ? found.validity : zone.validity;
      return { code: RESPONSE_CODE.NOERROR, validity };
    }
    // A negative answer carries the SOA, whose minimum says how long it may be believed (RFC 2308 §5).
    const labels = found.kind === 'pointers' ? REVERSE_ZONE_LABELS : zoneLabels;
    const zoneAt = question.labelOffsets.at(-labels) ?? HEADER_LENGTH;
    const section = found.kind === 'apex' && question.type === RECORD_TYPE.SOA ? 'answer' : 'authority';
    writer.addSoa(section, encodeSoaData(zoneAt, zone.serial, zone.ttlSeconds), zone.ttlSeconds, zoneAt);
    const missing = found.kind === 'missing' || (found.kind === 'pointers' && found.targets.length === 0);
    return { code: missing ? RESPONSE_CODE.NXDOMAIN : RESPONSE_CODE.NOERROR, validity: zone.validity };
  }

  /** Returns whether there is a record of the type asked for. */
  function writePositive(writer: AnswerWriter, { type }: Question, found: Lookup, owner: number): boolean {
    const { ttlSeconds } = zone;
    const block = blockOf(found, type);
    if (block !== undefined) {
      writer.addBlock(block, Math.floor(random() * block.count), owner);
      return true;
    }
    if (found.kind === 'addresses' && type === RECORD_TYPE.SRV) {
      return writeServices(writer, found.srv?.() ?? [], owner);
    }
    if (found.kind === 'pointers' && type === RECORD_TYPE.PTR) {
      for (const target of found.targets) writer.addRecord(type, encodeName(target), ttlSeconds, owner);
      return found.targets.length > 0;
    }
    if (found.kind === 'version' && type === RECORD_TYPE.TXT) {
      writer.addRecord(type, DNS_VERSION, DNS_VERSION_TTL, owner);
      return true;
    }
    if (found.kind === 'apex' && type === RECORD_TYPE.NS) {
      writer.addRecord(type, encodeName(`ns.dns.${zone.name}`), ttlSeconds, owner);
      return true;
    }
    return false;
  }

  /** The places, from any one around, then their addresses as far as there is room. */
  function writeServices(writer: AnswerWriter, records: readonly ServiceRecord[], owner: number): boolean {
    const first = Math.floor(random() * records.length);
    const turned = [...records.slice(first), ...records.slice(0, first)];
    const targets = new Map<string, number>();
    for (const { target, data } of turned) {
      const at = writer.addRecord(RECORD_TYPE.SRV, data, zone.ttlSeconds, owner);
      if (at !== undefined && !targets.has(target)) targets.set(target, at + SRV_FIXED_LENGTH);
    }
    for (const [target, at] of targets) {
      const found = zone.lookup(target);
      if (found.kind !== 'addresses') continue;
      writer.addGlue(found.a, at);
      writer.addGlue(found.aaaa, at);
    }
    return records.length > 0;
  }
}

interface Said {
  readonly code: ResponseCode;
  /** `undefined`: the answer is not to be given a second time. */
  readonly validity: Validity | undefined;
}

function errorFor({ question, edns }: Query, found: Lookup): ResponseCode | undefined {
  if (edns !== undefined && edns.version > 0) return RESPONSE_CODE.BADVERS;
  if (question.dnsClass !== CLASS_IN && question.dnsClass !== CLASS_ANY) return RESPONSE_CODE.REFUSED;
  // No zone transfers: the zone is the cluster's, whole or not at all.
  if (question.type === RECORD_TYPE.AXFR || question.type === RECORD_TYPE.IXFR) return RESPONSE_CODE.REFUSED;
  return found.kind === 'elsewhere' ? RESPONSE_CODE.REFUSED : undefined;
}

/** Only ordinary questions of the Internet are passed on. */
function isForwarded({ question }: Query): boolean {
  const { type, dnsClass } = question;
  return dnsClass === CLASS_IN && type !== RECORD_TYPE.AXFR && type !== RECORD_TYPE.IXFR;
}

function blockOf(found: Lookup, type: number): RecordBlock | undefined {
  if (found.kind !== 'addresses') return undefined;
  const block = type === RECORD_TYPE.A ? found.a : type === RECORD_TYPE.AAAA ? found.aaaa : undefined;
  return block !== undefined && block.count > 0 ? block : undefined;
}

/** How much room the records may take. What lies behind an alias is not known yet. */
function sizeHint(found: Lookup, type: number, limit: number): number {
  if (found.kind === 'alias' || found.kind === 'pointers' || type === RECORD_TYPE.SRV) return limit;
  return blockOf(found, type)?.bytes.length ?? SOA_RECORD_LENGTH;
}
