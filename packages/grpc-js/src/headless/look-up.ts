import { isIP } from 'node:net';
import type { ResolvedEndpoint } from '../targets/endpoint-watch.ts';
import type { DnsAnswer } from './dns-answer.ts';
import type { AddressRecords, DnsQuery } from './dns-query.ts';
import { explainDnsError, isNegative } from './dns-query.ts';
import type { HeadlessName } from './parse-headless-target.ts';

/** SRV names whose addresses are asked for at the same time. */
const SRV_CONCURRENCY = 8;

/**
 * Looks a name up, once: the candidates in their order until one has addresses. A server that fails ends it, because the
 * next candidate's answer might be for another name than the one that was meant.
 */
export async function lookUp(name: HeadlessName, candidates: readonly string[], query: DnsQuery): Promise<DnsAnswer> {
  if (isIP(name.host) !== 0) {
    return { kind: 'found', name: name.host, endpoints: [{ host: name.host, port: name.port }], ttlMs: Infinity };
  }
  const misses: string[] = [];
  for (const candidate of candidates) {
    try {
      const { endpoints, ttlMs } = await (name.service === undefined
        ? addressEndpoints(candidate, name, query)
        : serviceEndpoints(name.service === '' ? candidate : `${name.service}.${candidate}`, name, query));
      if (endpoints.length > 0) return { kind: 'found', name: candidate, endpoints, ttlMs };
      misses.push(`${candidate} has no address`);
    } catch (error) {
      const message = explainDnsError(error, candidate);
      if (!isNegative(error)) return { kind: 'failed', message };
      misses.push(message);
    }
  }
  return { kind: 'empty', message: misses.join(', ') };
}

interface Found {
  readonly endpoints: readonly ResolvedEndpoint[];
  readonly ttlMs: number;
}

async function addressEndpoints(candidate: string, { family, port }: HeadlessName, query: DnsQuery): Promise<Found> {
  const { addresses, ttlMs } = await resolveFamily(candidate, family, query);
  return { endpoints: [...new Set(addresses)].map((host) => ({ host, port })), ttlMs };
}

async function resolveFamily(name: string, family: HeadlessName['family'], query: DnsQuery): Promise<AddressRecords> {
  switch (family) {
    case '4':
      return query.addresses(name, 4);
    case '6':
      return query.addresses(name, 6);
    case 'auto': {
      const found = await orNone(query.addresses(name, 4));
      return found.addresses.length > 0 ? found : query.addresses(name, 6);
    }
    case 'both': {
      const [four, six] = await Promise.all([orNone(query.addresses(name, 4)), orNone(query.addresses(name, 6))]);
      return { addresses: [...four.addresses, ...six.addresses], ttlMs: Math.min(four.ttlMs, six.ttlMs) };
    }
    default:
      return unknownFamily(family);
  }
}

function unknownFamily(family: never): never {
  throw new RangeError(`there is no address family ${JSON.stringify(family)}`);
}

/** One family without an address is no reason to fail while the other may have one. */
async function orNone(question: Promise<AddressRecords>): Promise<AddressRecords> {
  return question.catch((error: unknown) => {
    if (isNegative(error)) return { addresses: [], ttlMs: Infinity };
    throw error;
  });
}

/**
 * Of several priorities the lowest number is used, the others being for when that cannot be reached (RFC 2782). c-ares
 * tells no TTL of SRV records; that of the addresses behind them counts, which cluster DNS gives all alike.
 */
async function serviceEndpoints(service: string, { family }: HeadlessName, query: DnsQuery): Promise<Found> {
  const records = await query.services(service);
  const first = records.reduce((least, { priority }) => Math.min(least, priority), Infinity);
  const best = records.filter(({ priority }) => priority === first);
  const endpoints = new Map<string, ResolvedEndpoint>();
  let ttlMs = Infinity;
  for (let at = 0; at < best.length; at += SRV_CONCURRENCY) {
    const group = best.slice(at, at + SRV_CONCURRENCY);
    const found = await Promise.all(group.map(({ target }) => orNone(resolveFamily(target, family, query))));
    for (const [index, { addresses, ttlMs: least }] of found.entries()) {
      const port = group[index]?.port ?? 0;
      ttlMs = Math.min(ttlMs, least);
      for (const host of addresses) endpoints.set(`${host} ${port}`, { host, port });
    }
  }
  return { endpoints: [...endpoints.values()], ttlMs };
}
