import { isIP } from 'node:net';
import type { SocketAddress } from '../../net-address.ts';

const DNS_PORT = 53;
/** glibc looks at no more (resolv.conf(5), MAXNS). */
const MAX_NAMESERVERS = 3;

/** The name servers of a `resolv.conf`, in order. What is no address is passed over, as resolvers do. */
export function parseResolvConf(text: string): readonly SocketAddress[] {
  const hosts = text.split('\n').flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
  return hosts
    .filter((host) => isIP(host.split('%')[0] ?? '') !== 0)
    .slice(0, MAX_NAMESERVERS)
    .map((host) => ({ host, port: DNS_PORT }));
}
