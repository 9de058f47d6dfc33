import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { parseResolvConf } from '../dns/index.ts';
import type { Logger } from '../log.ts';
import { formatAddress, type SocketAddress } from '../net-address.ts';
import { UsageError } from './usage-error.ts';

/** In a Pod with `dnsPolicy: Default` it is the node's. */
export const SYSTEM_RESOLV_CONF = '/etc/resolv.conf';
const DNS_PORT = 53;

/**
 * Who is to be asked for names that are not ours: what `--forward` says, else the system's name servers. Ourselves are left
 * out, as on a machine whose resolver we are.
 *
 * @throws UsageError for what is no upstream
 */
export async function resolveUpstreams(
  given: readonly string[] | undefined,
  listen: SocketAddress,
  log: Logger,
): Promise<readonly SocketAddress[]> {
  if (given?.includes('off') === true) {
    if (given.length > 1) throw new UsageError('--forward off goes with no other --forward');
    return [];
  }
  const found =
    given === undefined
      ? parseResolvConf(await readFile(SYSTEM_RESOLV_CONF, 'utf8').catch(() => ''))
      : (await Promise.all(given.map(readUpstream))).flat();
  const others = found.filter((upstream) => formatAddress(upstream) !== formatAddress(listen));
  if (others.length < found.length) log.warn(`${formatAddress(listen)} is this server itself: it is not asked`);
  const distinct = new Map(others.map((upstream) => [formatAddress(upstream), upstream]));
  return [...distinct.values()];
}

async function readUpstream(text: string): Promise<readonly SocketAddress[]> {
  const {
    v6,
    host,
    port = String(DNS_PORT),
  } = /^(?:\[(?<v6>[^\]]+)\]|(?<host>[^:[\]/]+))(?::(?<port>\d{1,5}))?$/.exec(text)?.groups ?? {};
  const address = isIP(text.split('%')[0] ?? '') === 6 ? text : (v6 ?? host ?? '');
  if (isIP(address.split('%')[0] ?? '') !== 0) {
    if (Number(port) < 1 || Number(port) > 65_535) throw new UsageError(`--forward ${text}: there is no port ${port}`);
    return [{ host: address, port: Number(port) }];
  }
  const content = await readFile(text, 'utf8').catch(() => {
    throw new UsageError(
      `--forward ${text}: it is neither an address nor a file; write 10.0.0.2, 10.0.0.2:5353 or off`,
    );
  });
  const upstreams = parseResolvConf(content);
  if (upstreams.length === 0) throw new UsageError(`--forward ${text}: the file names no nameserver`);
  return upstreams;
}
