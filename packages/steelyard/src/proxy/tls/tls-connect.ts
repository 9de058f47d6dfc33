import { isIP, connect as connectPlain, type OnReadOpts, type Socket } from 'node:net';
import {
  connect as connectSecurely,
  type ConnectionOptions,
  createSecureContext,
  type SecureContext,
  TLSSocket,
} from 'node:tls';
import { identityProblem } from './tls-identity.ts';
import { ALPN_H2, HTTP2_CIPHERS, LEAST_VERSION, type UpstreamTls } from './tls-settings.ts';

/** What {@link connectUpstream} needs for each connection, made once. */
export interface UpstreamTlsContext {
  readonly settings: UpstreamTls;
  readonly context: SecureContext;
}

/** @throws Error when a certificate, key or CA cannot be used. */
export function createUpstreamTls(settings: UpstreamTls): UpstreamTlsContext {
  const { ca, crl, identity } = settings;
  const context = createSecureContext({
    ...(ca !== undefined && { ca }),
    ...(crl !== undefined && { crl }),
    ...identity,
    ciphers: HTTP2_CIPHERS,
    minVersion: LEAST_VERSION,
  });
  return { settings, context };
}

/**
 * Opens a connection to a pod, secured if `tls` is given. {@link onceConnected} tells when it can be written to; what is
 * wrong with the other side's certificate or protocol ends it with an error.
 */
export function connectUpstream(host: string, port: number, onread: OnReadOpts, tls?: UpstreamTlsContext): Socket {
  if (tls === undefined) return connectPlain({ host, port, onread });
  const { settings, context } = tls;
  // Documented for `tls.connect` too, though its types do not have it.
  const options: ConnectionOptions & { readonly onread: OnReadOpts } = {
    host,
    port,
    onread,
    secureContext: context,
    ALPNProtocols: [ALPN_H2],
    // An address is no server name (RFC 6066 §3); an empty text sends none.
    servername: settings.sni !== undefined && isIP(settings.sni) === 0 ? settings.sni : '',
    rejectUnauthorized: !settings.insecureSkipVerify,
    checkServerIdentity: (_host, peer) => identityProblem(settings, peer.raw),
  };
  const socket = connectSecurely(options);
  socket.prependOnceListener('secureConnect', () => {
    if (socket.alpnProtocol !== ALPN_H2) socket.destroy(new Error('it does not offer HTTP/2 over TLS (ALPN "h2")'));
  });
  return socket;
}

/** Calls `listener` once the socket can be written to: connected, and shaken hands with. */
export function onceConnected(socket: Socket, listener: () => void): void {
  if (!(socket instanceof TLSSocket)) {
    socket.once('connect', listener);
    return;
  }
  socket.once('secureConnect', () => {
    if (!socket.destroyed) listener();
  });
}
