import type { SocketAddress } from '../net-address.ts';

/** `127.0.0.1:8000`, `[::1]:8000`. */
export function formatAddress({ host, port }: SocketAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
