import { isIP } from 'node:net';
import { InvalidArgumentError } from 'commander';
import type { SocketAddress } from '../../net-address.ts';

/** Parsers of option values for commander, which puts the option's name before the message. */

/** `HOST:PORT`, `[IPV6]:PORT`; port 0 asks for a free one. */
export function parseSocketAddress(text: string): SocketAddress {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<host>[^:[\]]+)):(?<port>\d{1,5})$/.exec(text);
  const { v6, host, port } = match?.groups ?? {};
  if (port === undefined || Number(port) > 65_535 || (v6 !== undefined && isIP(v6) !== 6)) {
    throw new InvalidArgumentError('Write HOST:PORT, as 127.0.0.1:8000 or [::1]:8000.');
  }
  return { host: v6 ?? host ?? '', port: Number(port) };
}

/** A parser of whole numbers from `least` to `most`. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Beyond 2^31 - 1 ms Node's timers go off at once; in whole days. */
const LONGEST_HOURS = 24 * 24;

/** `500ms`, `30s`, `5m`, `1h` → milliseconds that a timer can wait. */
export function parseDurationMs(text: string): number {
  const ms = parseLongDurationMs(text);
  if (ms > LONGEST_HOURS * 3_600_000) throw new InvalidArgumentError(`Give at most ${LONGEST_HOURS}h.`);
  return ms;
}

/** The same of any length: for what a clock is held against. */
export function parseLongDurationMs(text: string): number {
  const { value, unit } = /^(?<value>\d+(?:\.\d+)?)(?<unit>ms|s|m|h)$/.exec(text)?.groups ?? {};
  const factor = UNIT_MS[unit ?? ''];
  if (value === undefined || factor === undefined) {
    throw new InvalidArgumentError('Write a number and its unit, as 500ms, 30s or 5m.');
  }
  return Number(value) * factor;
}

/** A namespace or a DNS label (RFC 1123). */
export function parseNamespace(text: string): string {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) {
    throw new InvalidArgumentError('Write a namespace: lower-case letters, digits and dashes.');
  }
  return text;
}

/** A zone's name; one dot at the end is dropped. */
export function parseDomain(text: string): string {
  const domain = text.toLowerCase().replace(/\.$/, '');
  const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
  if (!new RegExp(String.raw`^${label}(\.${label})*$`).test(domain)) {
    throw new InvalidArgumentError('Write a domain, as cluster.local.');
  }
  return domain;
}

/** `10.244.0.0/16` */
export function parseCidr(text: string): string {
  const [address = '', bits = ''] = text.split('/');
  const most = isIP(address) === 6 ? 128 : 32;
  if (isIP(address) === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > most || text.split('/').length !== 2) {
    throw new InvalidArgumentError('Write a network, as 10.244.0.0/16.');
  }
  return text;
}

/** For options that may be given several times. */
export function collect(value: string, earlier: readonly string[] | undefined): readonly string[] {
  return [...(earlier ?? []), value];
}
