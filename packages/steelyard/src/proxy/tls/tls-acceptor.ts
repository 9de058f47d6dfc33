import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls';
import { describeConnectionError } from './tls-problem.ts';
import { ALPN_H2, HTTP2_CIPHERS, LEAST_VERSION, type ServerTls, type TlsIdentity } from './tls-settings.ts';

export interface TlsAcceptorOptions {
  readonly tls: ServerTls;
  /** A handshake that takes longer is a way to hold connections for nothing. */
  readonly handshakeTimeoutMs: number;
  /** The handshake is done, and it is for HTTP/2. */
  readonly onSecure: (socket: TLSSocket) => void;
  /** The handshake failed, or was not for HTTP/2; the connection is closed. */
  readonly onFailure: (why: string) => void;
}

/** Makes accepted connections TLS connections. */
export interface TlsAcceptor {
  accept(socket: Socket): void;
  /** For handshakes from now on; connections that are there stay as they are. */
  update(tls: ServerTls): void;
}

interface NamedContext {
  readonly certificate: X509Certificate;
  readonly context: SecureContext;
}

/** @throws Error when a certificate, key or CA cannot be used; {@link TlsAcceptor.update} too, and changes nothing then. */
export function createTlsAcceptor({ tls, handshakeTimeoutMs, onSecure, onFailure }: TlsAcceptorOptions): TlsAcceptor {
  let current = tls;
  let contexts = contextsOf(tls);
  const server = createServer({
    ...contextOptions(first(tls), tls),
    ALPNProtocols: [ALPN_H2],
    requestCert: tls.clientAuth !== 'none',
    rejectUnauthorized: tls.clientAuth === 'required',
    handshakeTimeout: handshakeTimeoutMs,
    SNICallback: (name, answer) => answer(null, findContext(contexts, name)),
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    onFailure(failureOf(error, socket, current));
    // Node closes on every other failure, after its alert. Here it only tells.
    if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') socket.destroy();
  });
  server.on('secureConnection', (socket) => {
    const problem = problemOf(socket, current);
    if (problem === undefined) {
      // RFC 9113 §9.2.1
      socket.disableRenegotiation();
      onSecure(socket);
      return;
    }
    onFailure(problem);
    socket.on('error', () => undefined);
    socket.destroy();
  });
  return {
    // Documented for just this: "to inject connections into the TLS server".
    accept: (socket) => void server.emit('connection', socket),
    update(next) {
      const made = contextsOf(next);
      server.setSecureContext(contextOptions(first(next), next));
      contexts = made;
      current = next;
    },
  };
}

/** The first identity whose certificate is for the name (SNI, RFC 6066 §3). */
function findContext(contexts: readonly NamedContext[], name: string): SecureContext | undefined {
  return contexts.find(({ certificate }) => certificate.checkHost(name) !== undefined)?.context ?? contexts[0]?.context;
}

function failureOf(error: NodeJS.ErrnoException, socket: TLSSocket, { clientAuth }: ServerTls): string {
  // With a certificate required Node closes by itself, without an alert, and the error says only that it is closed.
  const { authorizationError: verdict }: { readonly authorizationError: unknown } = socket;
  const isVerdict = clientAuth === 'required' && error.code === 'ECONNRESET' && typeof verdict === 'string';
  return isVerdict ? badCertificate(verdict) : describeConnectionError(error);
}

function badCertificate(verdict: unknown): string {
  return `the caller's certificate is not good: ${String(verdict)}`;
}

function problemOf(socket: TLSSocket, { clientAuth }: ServerTls): string | undefined {
  if (socket.alpnProtocol !== ALPN_H2) return 'the caller does not offer HTTP/2 (ALPN "h2")';
  if (clientAuth !== 'optional' || socket.authorized || socket.getPeerX509Certificate() === undefined) return undefined;
  return badCertificate(socket.authorizationError);
}

function contextsOf(tls: ServerTls): NamedContext[] {
  return tls.identities.map((identity) => ({
    certificate: new X509Certificate(identity.cert),
    context: createSecureContext(contextOptions(identity, tls)),
  }));
}

function contextOptions(
  { cert, key }: TlsIdentity,
  { clientCa, ticketKeys }: ServerTls,
): SecureContextOptions & { ticketKeys: Buffer } {
  return {
    cert,
    key,
    ...(clientCa !== undefined && { ca: clientCa }),
    ciphers: HTTP2_CIPHERS,
    honorCipherOrder: true,
    minVersion: LEAST_VERSION,
    ticketKeys: Buffer.from(ticketKeys),
  };
}

function first({ identities }: ServerTls): TlsIdentity {
  const [identity] = identities;
  if (identity === undefined) throw new Error('TLS needs a certificate');
  return identity;
}
