import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A certificate file cannot be read or used: one sentence that says which and why. */
export class TlsFileError extends Error {
  override readonly name = 'TlsFileError';
}

/** A key that does not fit its certificate, and the like, only shows when they are put to use. */
export function tryOut(what: string, use: () => unknown): void {
  try {
    use();
  } catch (error) {
    throw new TlsFileError(`${what} cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const CERTIFICATE = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----[^-]*-----END \1-----/g;

/** One or more. OpenSSL ignores what it does not know in such a file, and would trust nobody in silence. */
export function readCertificates(path: string): string {
  const text = readText(path);
  const found = text.match(CERTIFICATE) ?? [];
  if (found.length === 0) throw new TlsFileError(`${path} holds no certificate in PEM`);
  for (const pem of found) tryOut(path, () => new X509Certificate(pem));
  return text;
}

export function readKey(path: string): string {
  const text = readText(path);
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) throw new TlsFileError(`${path} holds no private key in PEM`);
  return text;
}

/** Lists of certificates that are no longer good. */
export function readRevocations(path: string): string {
  const text = readText(path);
  if (!text.includes('-----BEGIN X509 CRL-----')) throw new TlsFileError(`${path} holds no revocation list in PEM`);
  return text;
}

/** At once: such files are small and local, and read when they change. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^\w+: |, .*$/g, '') : String(error);
    throw new TlsFileError(`${path} cannot be read: ${why}`);
  }
}
