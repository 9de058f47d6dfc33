import { readFile } from 'node:fs/promises';
import { ClusterError } from '../cluster-error.ts';
import type { Credentials, TlsMaterial } from './cluster-access.ts';

/** PEM: as it is, or the file it is read from at each new connection. */
export type PemSource = { readonly pem: Buffer } | { readonly file: string };

export interface StaticCredentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly clientCert?: PemSource;
  readonly clientKey?: PemSource;
}

/** Headers that do not change, and a client certificate. */
export function staticCredentials({ headers, clientCert, clientKey }: StaticCredentials): Credentials {
  return {
    headers: () => Promise.resolve(headers),
    async tls(): Promise<TlsMaterial> {
      if (clientCert === undefined || clientKey === undefined) return {};
      return { cert: await readPem(clientCert), key: await readPem(clientKey) };
    },
    invalidate: () => undefined,
  };
}

async function readPem(source: PemSource): Promise<Buffer> {
  if ('pem' in source) return source.pem;
  try {
    return await readFile(source.file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ClusterError('CREDENTIALS_FAILED', `cannot read the client certificate: ${reason}`, { cause: error });
  }
}
