import { randomBytes, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Logger } from '../../log.ts';
import { createTlsAcceptor } from './tls-acceptor.ts';
import { createUpstreamTls } from './tls-connect.ts';
import { type FollowedFiles, followFiles } from './tls-follow.ts';
import type { ClientAuth, ServerTls, TlsIdentity, UpstreamTls } from './tls-settings.ts';

/** A certificate file cannot be read or used: one sentence that says which and why. */
export class TlsFileError extends Error {
  override readonly name = 'TlsFileError';
}

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
    read: () => readServerTls(files),
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
    read: () => readUpstreamTls(files),
    fingerprint: (tls) => JSON.stringify(tls),
    log: log.forComponent('upstream-tls'),
  });
}

async function readServerTls({ identities: files, clientCa, clientAuth }: ServerTlsFiles): Promise<ServerTls> {
  const ignore = (): void => undefined;
  const check = (identities: readonly TlsIdentity[], ca: string | undefined): void => {
    const tls: ServerTls = { identities, clientCa: ca, clientAuth: 'none', ticketKeys: new Uint8Array(48) };
    createTlsAcceptor({ tls, onSecure: ignore, onFailure: ignore });
  };
  const identities: TlsIdentity[] = [];
  for (const { cert, key } of files) {
    const identity = { cert: await readCertificates(cert), key: await readKey(key) };
    tryOut(`${cert} and ${key}`, () => check([identity], undefined));
    identities.push(identity);
  }
  const ca = clientCa === undefined ? undefined : await readCertificates(clientCa);
  if (clientCa !== undefined) tryOut(clientCa, () => check(identities, ca));
  return { identities, clientCa: ca, clientAuth, ticketKeys: randomBytes(48) };
}

async function readUpstreamTls({ ca: caFile, identity: files, name }: UpstreamTlsFiles): Promise<UpstreamTls> {
  const ca = await readCertificates(caFile);
  const tls: UpstreamTls = { ca, sni: name, subjectAltNames: [name], insecureSkipVerify: false };
  tryOut(caFile, () => createUpstreamTls(tls));
  if (files === undefined) return tls;
  const identity = { cert: await readCertificates(files.cert), key: await readKey(files.key) };
  tryOut(`${files.cert} and ${files.key}`, () => createUpstreamTls({ ...tls, identity }));
  return { ...tls, identity };
}

/** A key that does not fit its certificate, and the like, only shows when they are put to use. */
function tryOut(what: string, use: () => unknown): void {
  try {
    use();
  } catch (error) {
    throw new TlsFileError(`${what} cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    const why = error instanceof Error ? error.message.replace(/^\w+: |, .*$/g, '') : String(error);
    throw new TlsFileError(`${path} cannot be read: ${why}`);
  });
}

const CERTIFICATE = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----[^-]*-----END \1-----/g;

/** One or more. OpenSSL ignores what it does not know in such a file, and would trust nobody in silence. */
async function readCertificates(path: string): Promise<string> {
  const text = await readText(path);
  const found = text.match(CERTIFICATE) ?? [];
  if (found.length === 0) throw new TlsFileError(`${path} holds no certificate in PEM`);
  for (const pem of found) tryOut(path, () => new X509Certificate(pem));
  return text;
}

async function readKey(path: string): Promise<string> {
  const text = await readText(path);
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) throw new TlsFileError(`${path} holds no private key in PEM`);
  return text;
}

function optional(path: string | undefined): string[] {
  return path === undefined ? [] : [path];
}
