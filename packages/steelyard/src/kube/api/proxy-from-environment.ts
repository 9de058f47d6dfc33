import { BlockList, isIP } from 'node:net';
import { PROXY_SCHEMES } from './proxy-tunnel.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment names for an API server: `HTTPS_PROXY`, unless `NO_PROXY` leaves it out. As client-go has it,
 * which is Go's net/http `ProxyFromEnvironment` (golang.org/x/net/http/httpproxy): never for this machine itself.
 */
export function proxyFromEnvironment(server: string, env: Environment): URL | undefined {
  const { protocol, hostname, port } = new URL(server);
  const named = env['HTTPS_PROXY'] ?? env['https_proxy'] ?? '';
  if (protocol !== 'https:' || named === '') return undefined;
  const host = hostname.replaceAll(/[[\]]/g, '').toLowerCase();
  const exempt = (env['NO_PROXY'] ?? env['no_proxy'] ?? '').split(',').map((entry) => entry.trim().toLowerCase());
  if (isThisMachine(host) || exempt.some((entry) => fits(entry, host, port === '' ? '443' : port))) return undefined;
  const text = named.includes('://') ? named : `http://${named}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && PROXY_SCHEMES.includes(url.protocol) ? url : undefined;
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** `*`, `10.0.0.0/8`, `10.0.0.1`, `example.com` with all below it, `.example.com` with what is below it; any with a port. */
function fits(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const family = isIP(host);
  const [network = '', bits] = entry.split('/');
  if (bits !== undefined) {
    const of = isIP(network);
    if (of === 0 || of !== family || !/^\d{1,3}$/.test(bits) || Number(bits) > (of === 6 ? 128 : 32)) return false;
    const list = new BlockList();
    list.addSubnet(network, Number(bits), of === 6 ? 'ipv6' : 'ipv4');
    return list.check(host, of === 6 ? 'ipv6' : 'ipv4');
  }
  const { name = '', only } = /^\[?(?<name>[^\]]*?)\]?(?::(?<only>\d+))?$/.exec(entry)?.groups ?? {};
  if (isIP(entry) === 6) return entry === host;
  if (name === '' || (only !== undefined && only !== port)) return false;
  if (family !== 0 || isIP(name) !== 0) return name === host;
  const suffix = name.replace(/^\*?\./, '');
  return host.endsWith(`.${suffix}`) || (suffix === name && host === name);
}
