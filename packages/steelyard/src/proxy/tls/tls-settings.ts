/** A certificate chain and its key, in PEM. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
}

/** Whether callers have to show a certificate. With `optional`, one that is shown must be good. */
export type ClientAuth = 'none' | 'optional' | 'required';

/** All that the TLS side of callers' connections is made of; plain data, so that it can be sent to worker processes. */
export interface ServerTls {
  /** The first is for callers whose SNI fits none, and for those without. At least one. */
  readonly identities: readonly TlsIdentity[];
  /** Who signs callers' certificates, in PEM. */
  readonly clientCa: string | undefined;
  readonly clientAuth: ClientAuth;
  /** 48 octets that session tickets are encrypted with: all processes must have the same, or no session resumes. */
  readonly ticketKeys: Uint8Array;
}

/** How connections to pods are secured: what DestinationRule `trafficPolicy.tls` says, with its files read. */
export interface UpstreamTls {
  /** Who signs pods' certificates, in PEM. Absent: whom Node.js trusts. */
  readonly ca?: string | undefined;
  /** Certificates of theirs that are not good any more, in PEM. */
  readonly crl?: string | undefined;
  /** What pods may know us by (MUTUAL). */
  readonly identity?: TlsIdentity | undefined;
  /** Server name in the handshake (SNI). */
  readonly sni?: string | undefined;
  /** The pod's certificate must be for one of these (DNS name, URI or IP address). Empty: for `sni`; without it, for any. */
  readonly subjectAltNames: readonly string[];
  /** Takes any certificate at all: for trying things out. */
  readonly insecureSkipVerify: boolean;
}

/**
 * What HTTP/2 may use: RFC 9113 §9.2 wants TLS 1.2 or later, and of TLS 1.2 only suites with ephemeral keys and
 * authenticated encryption (§9.2.2, appendix A). The first three are those of TLS 1.3.
 */
export const HTTP2_CIPHERS: string = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** RFC 7301 §6: HTTP/2 over TLS. */
export const ALPN_H2 = 'h2';

export const LEAST_VERSION = 'TLSv1.2';
