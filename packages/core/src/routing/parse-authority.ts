import { parseIpAddress } from '../config/index.ts';

/** A request's `:authority`, normalised. */
export interface Authority {
  /** Lower case, no trailing dot; an IP address canonical and without brackets. */
  readonly host: string;
  readonly isIpAddress: boolean;
  readonly port?: number;
}

/**
 * `uri-host [":" port]` (RFC 9110 §4.2.1, RFC 3986 §3.2.2). `undefined` for what is none; userinfo is not allowed in
 * `:authority` (RFC 9113 §8.3.1).
 */
export function parseAuthority(text: string): Authority | undefined {
  const { host, port } = split(text);
  const number = port === undefined ? undefined : parsePort(port);
  if (host === '' || (port !== undefined && number === undefined)) return undefined;
  const withPort = number === undefined ? {} : { port: number };
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  const ip = parseIpAddress(bare);
  if (ip !== undefined) return { host: ip.address, isIpAddress: true, ...withPort };
  if (!/^[A-Za-z0-9._-]+$/.test(host)) return undefined;
  const name = host.toLowerCase();
  return { host: name.endsWith('.') ? name.slice(0, -1) : name, isIpAddress: false, ...withPort };
}

function split(text: string): { readonly host: string; readonly port?: string } {
  const colon = text.lastIndexOf(':');
  // The last colon of "[::1]" and of a bare IPv6 address starts no port.
  if (colon < 0 || text.endsWith(']')) return { host: text };
  if (!text.startsWith('[') && text.indexOf(':') !== colon) return { host: text };
  return { host: text.slice(0, colon), port: text.slice(colon + 1) };
}

function parsePort(text: string): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : undefined;
}
