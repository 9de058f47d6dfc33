import { Resolver } from 'node:dns/promises';

export interface AddressRecords {
  readonly addresses: readonly string[];
  /** Smallest of the records; `Infinity` where there is none. */
  readonly ttlMs: number;
}

export interface SrvRecord {
  readonly target: string;
  readonly port: number;
  readonly priority: number;
}

/** Asks one question. Rejects with an Error whose `code` is one of c-ares (`ENOTFOUND`, `ETIMEOUT`, …). */
export interface DnsQuery {
  addresses(name: string, family: 4 | 6): Promise<AddressRecords>;
  services(name: string): Promise<readonly SrvRecord[]>;
}

/** Two tries of c-ares, the second waiting longer: an unreachable server is known within some 4.5 s. */
const TRY_TIMEOUT_MS = 1500;
const TRIES = 2;

/**
 * Queries of Node's own DNS client (c-ares; UDP, and TCP for what does not fit). Not `getaddrinfo`, which grpc-js uses: it
 * tells no TTL, and blocks a thread.
 *
 * @param server `IP` or `IP:PORT`; the system's where there is none
 */
export function createDnsQuery(server: string | undefined): DnsQuery {
  // A client for each question: the system's servers may have changed since the last one, and c-ares' own cache would
  // answer for them.
  const client = (): Resolver => {
    const resolver = new Resolver({ timeout: TRY_TIMEOUT_MS, tries: TRIES });
    if (server !== undefined) resolver.setServers([server]);
    return resolver;
  };
  return {
    async addresses(name, family) {
      const resolver = client();
      const records = await (family === 4
        ? resolver.resolve4(name, { ttl: true })
        : resolver.resolve6(name, { ttl: true }));
      return {
        addresses: records.map(({ address }) => address),
        ttlMs: records.reduce((least, { ttl }) => Math.min(least, ttl * 1000), Infinity),
      };
    },
    async services(name) {
      const records = await client().resolveSrv(name);
      return records.map(({ name: target, port, priority }) => ({ target, port, priority }));
    },
  };
}

/** The name was answered for: it does not exist, has no such record, or is none of this server's (RFC 1035 §4.1.1). */
export function isNegative(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOTFOUND' || code === 'ENODATA' || code === 'EREFUSED';
}

/** Why a question has no answer, as a clause. */
export function explainDnsError(error: unknown, name: string): string {
  switch (codeOf(error) ?? '') {
    case 'ENOTFOUND':
      return `${name} does not exist`;
    case 'ENODATA':
      return `${name} has no address`;
    case 'EREFUSED':
      return `${name} is refused by the DNS server`;
    case 'ETIMEOUT':
      return `the DNS server does not answer about ${name}`;
    case 'ECONNREFUSED':
      return `no DNS server listens there to be asked about ${name}`;
    case 'ESERVFAIL':
      return `the DNS server fails on ${name}`;
    case 'EBADRESP':
    case 'EFORMERR':
      return `the DNS server's answer about ${name} is malformed`;
    default:
      return `${name} cannot be looked up (${error instanceof Error ? error.message : String(error)})`;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
