import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { parseIpAddress } from '@steelyard/core/config';

/** Whether `address` is in `network`: an address, a network in CIDR notation, or a range `A-B`. */
export function isWithin(address: string, network: string): boolean {
  if (address === network) return true;
  const slash = network.indexOf('/');
  if (isIPv4(address)) {
    if (slash > 0) return isWithinIPv4(address, network.slice(0, slash), network.slice(slash + 1));
    const dash = network.indexOf('-');
    if (dash < 0) return false;
    const value = toNumber(address);
    return toNumber(network.slice(0, dash)) <= value && value <= toNumber(network.slice(dash + 1));
  }
  return isWithinIPv6(address, network, slash);
}

function isWithinIPv4(address: string, base: string, bits: string): boolean {
  if (base === address) return true;
  // Older spellings write the mask as an address.
  const length = bits.includes('.') ? maskLength(bits) : Number(bits);
  if (length >= 32 || !isIPv4(base)) return false;
  const size = 2 ** (32 - length);
  return Math.floor(toNumber(address) / size) === Math.floor(toNumber(base) / size);
}

function toNumber(address: string): number {
  let value = 0;
  for (const part of address.split('.')) value = value * 256 + Number(part);
  return value;
}

function maskLength(mask: string): number {
  return mask.split('.').reduce((sum, part) => sum + Number(part).toString(2).replaceAll('0', '').length, 0);
}

/** Every spelling of an IPv6 address is the same address. */
function isWithinIPv6(address: string, network: string, slash: number): boolean {
  const dash = network.indexOf('-');
  const base = slash > 0 ? network.slice(0, slash) : dash > 0 ? network.slice(0, dash) : network;
  if (!isIPv6(address) || !isIPv6(base)) return false;
  if (slash > 0 ? network.endsWith('/128') : dash < 0) return canonicalAddress(base) === address;
  const list = new BlockList();
  if (slash > 0) list.addSubnet(base, Number(network.slice(slash + 1)), 'ipv6');
  else list.addRange(base, network.slice(dash + 1), 'ipv6');
  return list.check(address, 'ipv6');
}

/** One spelling for each address, so that texts can be compared. */
export function canonicalAddress(text: string): string {
  return parseIpAddress(text)?.address ?? text;
}

export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
