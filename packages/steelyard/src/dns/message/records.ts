import { isIPv6 } from 'node:net';
import { CLASS_IN, HEADER_LENGTH, POINTER, RECORD_TYPE } from './protocol.ts';

/** Resource records of one owner and type, ready to be copied into an answer, each of `recordLength` bytes. */
export interface RecordBlock {
  readonly bytes: Buffer;
  readonly recordLength: number;
  readonly count: number;
}

/** Name, type, class, TTL and data length of a record whose name is a pointer. */
export const RECORD_HEADER_LENGTH = 12;

/** A (RFC 1035 §3.4.1) or AAAA (RFC 3596 §2.2) records of the question's name. The addresses are of one family. */
export function encodeAddresses(addresses: readonly string[], ttlSeconds: number): RecordBlock {
  const type = addresses.some(isIPv6) ? RECORD_TYPE.AAAA : RECORD_TYPE.A;
  const dataLength = type === RECORD_TYPE.AAAA ? 16 : 4;
  const recordLength = RECORD_HEADER_LENGTH + dataLength;
  const bytes = Buffer.alloc(recordLength * addresses.length);
  for (const [index, address] of addresses.entries()) {
    const data = writeRecordHeader(bytes, index * recordLength, HEADER_LENGTH, type, ttlSeconds, dataLength);
    if (dataLength === 4) writeIpv4(bytes, data, address);
    else writeIpv6(bytes, data, address);
  }
  return { bytes, recordLength, count: addresses.length };
}

/** Writes all of a record but its data; returns where the data goes. The owner is the name at `owner` in the message. */
export function writeRecordHeader(
  target: Buffer,
  offset: number,
  owner: number,
  type: number,
  ttlSeconds: number,
  dataLength: number,
): number {
  let at = target.writeUInt16BE(POINTER | owner, offset);
  at = target.writeUInt16BE(type, at);
  at = target.writeUInt16BE(CLASS_IN, at);
  at = target.writeUInt32BE(ttlSeconds, at);
  return target.writeUInt16BE(dataLength, at);
}

/** A name in wire form without compression, its final empty label included. `name` has no trailing dot. */
export function encodeName(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label, 'latin1')])),
    Buffer.of(0),
  ]);
}

/** Can the name be written in wire form: labels of 1 to 63 octets, at most 255 in all (RFC 1035 §3.1)? */
export function isWireName(name: string): boolean {
  return name.length <= 253 && name.split('.').every((label) => /^[\x21-\x7e]{1,63}$/.test(label));
}

function writeIpv4(target: Buffer, offset: number, address: string): void {
  for (const [index, octet] of address.split('.').entries()) target[offset + index] = Number(octet);
}

/** An address in octets: what addresses are equal by, however they are written. */
export function encodeAddress(address: string): Buffer {
  const bytes = Buffer.alloc(isIPv6(address) ? 16 : 4);
  if (bytes.length === 4) writeIpv4(bytes, 0, address);
  else writeIpv6(bytes, 0, address);
  return bytes;
}

/** The target is zeroed, so the groups that `::` stands for need no writing. */
function writeIpv6(target: Buffer, offset: number, address: string): void {
  const [head = '', tail] = hexGroups(address).split('::');
  for (const [index, group] of head.split(':').entries()) {
    if (group !== '') target.writeUInt16BE(Number.parseInt(group, 16), offset + 2 * index);
  }
  const groups = tail === undefined || tail === '' ? [] : tail.split(':');
  for (const [index, group] of groups.entries()) {
    target.writeUInt16BE(Number.parseInt(group, 16), offset + 16 - 2 * (groups.length - index));
  }
}

/** The dotted end of `::ffff:10.0.0.1` as two groups of hexadecimal digits. */
function hexGroups(address: string): string {
  const dotted = /\d+\.\d+\.\d+\.\d+$/.exec(address)?.[0];
  if (dotted === undefined) return address;
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
  const groups = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  return address.slice(0, -dotted.length) + groups;
}
