import { formatAddress, type SocketAddress } from '../../net-address.ts';

export type DnsListenErrorCode =
  | 'dns.port-in-use'
  | 'dns.port-forbidden'
  | 'dns.address-unavailable'
  | 'dns.listen-failed';

/** The server cannot have its address. The message is one line and names it. */
export class DnsListenError extends Error {
  override readonly name = 'DnsListenError';
  readonly code: DnsListenErrorCode;

  constructor(code: DnsListenErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Of the system's error. */
export function dnsListenError(address: SocketAddress, transport: 'UDP' | 'TCP', cause: unknown): DnsListenError {
  const { code, reason } = explain(cause);
  return new DnsListenError(code, `cannot answer DNS on ${formatAddress(address)} (${transport}): ${reason}`, {
    cause,
  });
}

function explain(cause: unknown): { code: DnsListenErrorCode; reason: string } {
  switch (systemCode(cause) ?? 'unknown') {
    case 'EADDRINUSE':
      return { code: 'dns.port-in-use', reason: 'another process uses this port; choose another one' };
    case 'EACCES':
      return { code: 'dns.port-forbidden', reason: 'ports below 1024 need privileges; choose a higher one' };
    case 'EADDRNOTAVAIL':
      return { code: 'dns.address-unavailable', reason: 'this machine has no such address' };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return { code: 'dns.address-unavailable', reason: 'the host name does not resolve' };
    default:
      return { code: 'dns.listen-failed', reason: cause instanceof Error ? cause.message : String(cause) };
  }
}

export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
