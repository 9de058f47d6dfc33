import { randomBytes } from 'node:crypto';
import type { Logger } from '../../log.ts';
import { createTlsAcceptor } from './tls-acceptor.ts';
import { createUpstreamTls } from './tls-connect.ts';
import { type FollowedFiles, followFiles } from './tls-follow.ts';
import { readCertificates, readKey, tryOut } from './tls-pem.ts';
import type { ClientAuth, ServerTls, TlsIdentity, UpstreamTls } from './tls-settings.ts';

export { TlsFileError } from './tls-pem.ts';

/** Paths of a certificate chain and its key, both in PEM. */
export interface IdentityFiles {
  readonly cert: string;
  readonly key: string;
}

export interface ServerTlsFiles {
  /** One or more; the first is for callers whose SNI fits none. */
  readonly identities: readonly IdentityFiles[];
  readonly clientCa?: string | undefined;
  readonly clientAuth: ClientAuth;
}

/** The TLS of callers' connections, from files that are followed until closed. @throws TlsFileError */
export function followServerTls(files: ServerTlsFiles, log: Logger): Promise<FollowedFiles<ServerTls>> {
  return followFiles({
    paths: [...files.identities.flatMap(({ cert, key }) => [cert, key]), ...optional(files.clientCa)],
    read: async () => readServerTls(files),
    // All but the ticket keys, which are new each time.
    fingerprint: ({ identities, clientCa }) => JSON.stringify([identities, clientCa]),
    log: log.forComponent('tls'),
  });
}

export interface UpstreamTlsFiles {
  readonly ca: string;
  readonly identity?: IdentityFiles | undefined;
  /** Server name to ask for, and the name the certificate must be for. */
  readonly name: string;
}

/** The TLS of connections to pods, from files that are followed until closed. @throws TlsFileError */
export function followUpstreamTls(files: UpstreamTlsFiles, log: Logger): Promise<FollowedFiles<UpstreamTls>> {
  const { ca, identity } = files;
  return followFiles({
    paths: [ca, ...(identity === undefined ? [] : [identity.cert, identity.key])],
    read: async () => readUpstreamTls(files),
    fingerprint: (tls) => JSON.stringify(tls),
    log: log.forComponent('upstream-tls'),
  });
}

function readServerTls({ identities: files, clientCa, clientAuth }: ServerTlsFiles): ServerTls {
  const ignore = (): void => undefined;
  const check = (identities: readonly TlsIdentity[], ca: string | undefined): void => {
    const tls: ServerTls = { identities, clientCa: ca, clientAuth: 'none', ticketKeys: new Uint8Array(48) };
    createTlsAcceptor({ tls, handshakeTimeoutMs: 0, onSecure: ignore, onFailure: ignore });
  };
  const identities: TlsIdentity[] = [];
  for (const { cert, key } of files) {
    const identity = { cert: readCertificates(cert), key: readKey(key) };
    tryOut(`${cert} and ${key}`, () => check([identity], undefined));
    identities.push(identity);
  }
  const ca = clientCa === undefined ? undefined : readCertificates(clientCa);
  if (clientCa !== undefined) tryOut(clientCa, () => check(identities, ca));
  return { identities, clientCa: ca, clientAuth, ticketKeys: randomBytes(48) };
}

function readUpstreamTls({ ca: caFile, identity: files, name }: UpstreamTlsFiles): UpstreamTls {
  const ca = readCertificates(caFile);
  const tls: UpstreamTls = { ca, sni: name, subjectAltNames: [name], insecureSkipVerify: false };
  tryOut(caFile, () => createUpstreamTls(tls));
  if (files === undefined) return tls;
  const identity = { cert: readCertificates(files.cert), key: readKey(files.key) };
  tryOut(`${files.cert} and ${files.key}`, () => createUpstreamTls({ ...tls, identity }));
  return { ...tls, identity };
}

function optional(path: string | undefined): string[] {
  return path === undefined ? [] : [path];
}
