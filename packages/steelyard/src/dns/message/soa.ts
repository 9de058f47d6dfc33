import { POINTER } from './protocol.ts';
import { RECORD_HEADER_LENGTH } from './records.ts';

const PRIMARY = labels('ns', 'dns');
const MAILBOX = labels('hostmaster');

/** Both names end in a pointer; then five numbers of 32 bits. */
const DATA_LENGTH = PRIMARY.length + 2 + MAILBOX.length + 2 + 20;

export const SOA_RECORD_LENGTH: number = RECORD_HEADER_LENGTH + DATA_LENGTH;

/** Nobody transfers the zone, so these only have to be sane (RFC 1912 §2.2). Seconds. */
const REFRESH = 7200;
const RETRY = 1800;
const EXPIRE = 86_400;

/**
 * The data of the zone's SOA record (RFC 1035 §3.3.13): `ns.dns.ZONE`, `hostmaster.ZONE`. `zoneAt`: where in the
 * message the zone's name is. `minimum`: for how many seconds a negative answer may be kept, no longer than a positive.
 */
export function encodeSoaData(zoneAt: number, serial: number, minimum: number): Buffer {
  const data = Buffer.allocUnsafe(DATA_LENGTH);
  let at = PRIMARY.copy(data, 0);
  at = data.writeUInt16BE(POINTER | zoneAt, at);
  at += MAILBOX.copy(data, at);
  at = data.writeUInt16BE(POINTER | zoneAt, at);
  for (const value of [serial, REFRESH, RETRY, EXPIRE, minimum]) at = data.writeUInt32BE(value, at);
  return data;
}

function labels(...texts: string[]): Buffer {
  return Buffer.concat(texts.map((text) => Buffer.concat([Buffer.of(text.length), Buffer.from(text, 'latin1')])));
}
