import { isIP } from 'node:net';
import type { Target } from '../targets/parse-target.ts';
import { TargetError } from '../targets/target-error.ts';

/** What to look up, where, and how often. */
export interface HeadlessName {
  /** As in the target; a dot at its end makes it absolute. */
  readonly host: string;
  /** Of the endpoints; an SRV record brings its own. */
  readonly port: number;
  /** `_grpc._tcp`, where SRV records are asked for. */
  readonly service?: string;
  /** `IP` or `IP:PORT` of a DNS server; the system's where there is none. */
  readonly server?: string;
  /** Instead of the search domains of the system. */
  readonly search?: readonly string[];
  /** `auto`: IPv4, and IPv6 where a name has no IPv4. Pods of a dual-stack cluster have both; each is to be dialled once. */
  readonly family: 'auto' | '4' | '6' | 'both';
  /** Look again no sooner, whatever the TTL. */
  readonly minTtlMs: number;
  /** Look again no later. */
  readonly maxTtlMs: number;
}

const DEFAULT_MIN_TTL_MS = 1000;
const DEFAULT_MAX_TTL_MS = 30_000;
const SHORTEST_TTL_MS = 50;

/**
 * Reads `headless://[DNS-SERVER]/NAME:PORT` with the parameters `srv`, `family`, `search`, `min_ttl` and `max_ttl`.
 *
 * @throws TargetError saying what is wrong with it
 */
export function parseHeadlessTarget(target: Target): HeadlessName {
  const { text, authority, host, parameters } = target;
  const srv = parameters.flag('srv');
  const family = parameters.oneOf('family', ['auto', '4', '6', 'both']) ?? 'auto';
  const search = parameters.text('search');
  const minTtlMs = parameters.durationMs('min_ttl') ?? DEFAULT_MIN_TTL_MS;
  const maxTtlMs = parameters.durationMs('max_ttl') ?? Math.max(DEFAULT_MAX_TTL_MS, minTtlMs);
  if (minTtlMs < SHORTEST_TTL_MS) {
    throw new TargetError(`${text}: min_ttl is ${minTtlMs} ms; it must be at least ${SHORTEST_TTL_MS} ms`);
  }
  if (maxTtlMs < minTtlMs) {
    throw new TargetError(`${text}: max_ttl is ${maxTtlMs} ms; it must not be below min_ttl, ${minTtlMs} ms`);
  }
  if (host.length > 253 || !/^(?:[\w-]{1,63}\.)*[\w-]{1,63}\.?$/.test(host)) {
    if (isIP(host) === 0) throw new TargetError(`${text}: ${host.slice(0, 80)} is not a DNS name`);
  }
  if (authority !== '' && !isServer(authority)) {
    throw new TargetError(`${text}: the DNS server is ${authority}; it must be an IP address, or one with :PORT`);
  }
  return {
    host,
    ...portOf(target, srv),
    family,
    ...(authority !== '' && { server: authority }),
    ...(search !== undefined && { search: search.split(',').filter((domain) => domain !== '') }),
    minTtlMs,
    maxTtlMs,
  };
}

function portOf({ text, host, port }: Target, srv: boolean): { port: number; service?: string } {
  if (srv) {
    // `_grpc._tcp.name` is asked for as it stands; a port name makes one of `name:grpc` (RFC 2782, kube-dns specification).
    if (port === '' && host.startsWith('_')) return { port: 0, service: '' };
    if (/^[a-z][a-z0-9-]{0,14}$/.test(port)) return { port: 0, service: `_${port}._tcp` };
    throw new TargetError(`${text}: with srv, write NAME:PORT-NAME or _PORT-NAME._tcp.NAME`);
  }
  const number = /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (number < 1 || number > 65_535) {
    const reason = port === '' ? 'there is no port' : `the port is ${port.slice(0, 40)}`;
    throw new TargetError(`${text}: ${reason}; a DNS address has none, so write NAME:PORT, 1 to 65535`);
  }
  return { port: number };
}

function isServer(authority: string): boolean {
  const found = /^(?:\[([\da-fA-F:.]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(authority);
  const address = found?.[1] ?? found?.[2] ?? authority;
  return isIP(address) !== 0 && Number(found?.[3] ?? 53) <= 65_535;
}
