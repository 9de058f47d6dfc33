import type { Random } from '@steelyard/core/balance';
import { AnswerWriter, writeBareError } from './answer-writer.ts';
import type { Edns, ParsedQuery, Question } from './parse-query.ts';
import { parseQuery } from './parse-query.ts';
import type { ResponseCode } from './protocol.ts';
import {
  CLASS_ANY,
  CLASS_IN,
  HEADER_LENGTH,
  MAX_TCP_SIZE,
  MAX_UDP_SIZE,
  MIN_UDP_SIZE,
  RECORD_TYPE,
  RESPONSE_CODE,
} from './protocol.ts';
import { encodeName, type RecordBlock } from './records.ts';
import { REVERSE_ZONE_LABELS } from './reverse-zone.ts';
import { type ServiceRecord, SRV_FIXED_LENGTH } from './service-records.ts';
import { SOA_RECORD_LENGTH, encodeSoaData } from './soa.ts';
import type { Lookup, Zone } from './zone.ts';

export type Transport = 'udp' | 'tcp';

/** One message in, one message out; `undefined` where none is due. Synchronous and total: no message makes it throw. */
export type Responder = (message: Buffer, transport: Transport) => Buffer | undefined;

type Query = Extract<ParsedQuery, { kind: 'query' }>;

/** Of the specification of these names, as character-string (RFC 1035 §3.3.14). CoreDNS keeps it for eight hours too. */
const DNS_VERSION = Buffer.from('\u{5}1.1.0', 'latin1');
const DNS_VERSION_TTL = 28_800;

/** How many aliases are followed within the zone before the caller has to go on by itself. */
const MAX_ALIASES = 8;

/**
 * Answers queries about a zone. `random` turns the order of the addresses, so that callers spread over them. Until `ready`
 * nothing is known, and that is what is said: SERVFAIL makes callers ask again, NXDOMAIN would make them give up.
 */
export function createResponder(zone: Zone, random: Random, ready: () => boolean = () => true): Responder {
  const zoneLabels = zone.name.split('.').length;

  return (message, transport) => {
    const query = parseQuery(message);
    if (query.kind === 'ignored') return undefined;
    if (query.kind === 'refused') return writeBareError(query.id, query.flags, query.code);
    return respond(query, message.subarray(HEADER_LENGTH, query.question.end), sizeLimit(query.edns, transport));
  };

  function respond({ id, flags, question, edns }: Query, repeated: Buffer, limit: number): Buffer {
    const found = zone.lookup(question.name);
    const error = errorFor(question, edns, found) ?? (ready() ? undefined : RESPONSE_CODE.SERVFAIL);
    if (error !== undefined) return new AnswerWriter(repeated, edns, limit, 0).finish(id, flags, error, false);
    const writer = new AnswerWriter(repeated, edns, limit, sizeHint(found, question.type, limit));
    return writer.finish(id, flags, writeRecords(writer, question, found), true);
  }

  /** Writes what is known about the name, following aliases; returns the code, which is that of the last name. */
  function writeRecords(writer: AnswerWriter, question: Question, first: Lookup): ResponseCode {
    let found = first;
    let owner = HEADER_LENGTH;
    for (let aliases = 0; found.kind === 'alias' && aliases < MAX_ALIASES; aliases++) {
      owner = writer.addAlias(found.target, zone.ttlSeconds, owner);
      if (question.type === RECORD_TYPE.CNAME) return RESPONSE_CODE.NOERROR;
      found = zone.lookup(found.target);
    }
    if (found.kind === 'alias' || found.kind === 'elsewhere') return RESPONSE_CODE.NOERROR;
    if (writePositive(writer, question, found, owner)) return RESPONSE_CODE.NOERROR;
    // A negative answer carries the SOA, whose minimum says how long it may be believed (RFC 2308 §5).
    const labels = found.kind === 'pointers' ? REVERSE_ZONE_LABELS : zoneLabels;
    const zoneAt = question.labelOffsets.at(-labels) ?? HEADER_LENGTH;
    const section = found.kind === 'apex' && question.type === RECORD_TYPE.SOA ? 'answer' : 'authority';
    writer.addSoa(section, encodeSoaData(zoneAt, zone.serial, zone.ttlSeconds), zone.ttlSeconds, zoneAt);
    const missing = found.kind === 'missing' || (found.kind === 'pointers' && found.targets.length === 0);
    return missing ? RESPONSE_CODE.NXDOMAIN : RESPONSE_CODE.NOERROR;
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

function errorFor(question: Question, edns: Edns | undefined, found: Lookup): ResponseCode | undefined {
  if (edns !== undefined && edns.version > 0) return RESPONSE_CODE.BADVERS;
  if (question.dnsClass !== CLASS_IN && question.dnsClass !== CLASS_ANY) return RESPONSE_CODE.REFUSED;
  // No zone transfers: the zone is the cluster's, whole or not at all.
  if (question.type === RECORD_TYPE.AXFR || question.type === RECORD_TYPE.IXFR) return RESPONSE_CODE.REFUSED;
  return found.kind === 'elsewhere' ? RESPONSE_CODE.REFUSED : undefined;
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

function sizeLimit(edns: Edns | undefined, transport: Transport): number {
  if (transport === 'tcp') return MAX_TCP_SIZE;
  return Math.min(Math.max(edns?.udpSize ?? MIN_UDP_SIZE, MIN_UDP_SIZE), MAX_UDP_SIZE);
}
