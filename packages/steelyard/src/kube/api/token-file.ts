import { readFile } from 'node:fs/promises';
import { ClusterError } from '../cluster-error.ts';
import type { Credentials } from './cluster-access.ts';

/** client-go reads a token file again after as long (transport/token_source.go); the kubelet rotates it every hour or so. */
const REREAD_MS = 60_000;

/** A bearer token in a file that is written anew from time to time. */
export function tokenFileCredentials(file: string, now: () => number): Credentials {
  let token: string | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  return {
    async headers() {
      if (token === undefined || now() - readAt > REREAD_MS) {
        try {
          token = (await readFile(file, 'utf8')).trim();
          readAt = now();
        } catch (error) {
          // The last one may still be good.
          if (token === undefined) {
            const reason = error instanceof Error ? error.message : String(error);
            throw new ClusterError('CREDENTIALS_FAILED', `cannot read the token: ${reason}`, { cause: error });
          }
        }
      }
      if (token === '') throw new ClusterError('CREDENTIALS_FAILED', `${file}: the token is empty`);
      return { authorization: `Bearer ${token}` };
    },
    tls: () => Promise.resolve({}),
    invalidate() {
      readAt = Number.NEGATIVE_INFINITY;
    },
  };
}
