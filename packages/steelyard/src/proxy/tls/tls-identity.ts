import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { UpstreamTls } from './tls-settings.ts';

/** Why the certificate is not for whom it should be; `undefined` when it is. */
export function identityProblem(
  { subjectAltNames, sni, insecureSkipVerify }: Pick<UpstreamTls, 'subjectAltNames' | 'sni' | 'insecureSkipVerify'>,
  raw: Uint8Array,
): Error | undefined {
  if (insecureSkipVerify) return undefined;
  const wanted = subjectAltNames.length > 0 ? subjectAltNames : sni === undefined ? [] : [sni];
  if (wanted.length === 0) return undefined;
  const certificate = new X509Certificate(raw);
  if (wanted.some((name) => isFor(certificate, name))) return undefined;
  return new Error(`its certificate is for ${certificate.subjectAltName ?? 'nobody'}, not for ${wanted.join(' or ')}`);
}

function isFor(certificate: X509Certificate, name: string): boolean {
  // A SPIFFE id or any other URI is compared as a whole (RFC 6125 §6.5 leaves it to the application).
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(name)) return urisOf(certificate).includes(name);
  if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined;
  return certificate.checkHost(name, { subject: 'never' }) !== undefined;
}

/** Node.js writes the names as `URI:spiffe://…, DNS:…`, with odd ones as JSON strings. */
function urisOf({ subjectAltName = '' }: X509Certificate): string[] {
  return Array.from(
    subjectAltName.matchAll(/(?:^|, )URI:(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<plain>[^,"]*))/g),
    ({ groups }) => groups?.['plain'] ?? String(JSON.parse(`"${groups?.['quoted'] ?? ''}"`)),
  );
}
