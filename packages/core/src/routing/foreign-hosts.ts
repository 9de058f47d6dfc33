import type { Snapshot, VirtualHost } from '../model/index.ts';

/** Hosts that are no Services, but that VirtualServices speak of. */
export interface ForeignHosts {
  findExact(host: string, port: number): VirtualHost | undefined;
  /**
   * The longest wildcard, which comes after any exact name (Envoy, `VirtualHost.domains`).
   *
   * @param least octets of its suffix
   */
  findWildcard(host: string, port: number, least?: number): VirtualHost | undefined;
}

export function createForeignHosts({ virtualHosts }: Snapshot): ForeignHosts {
  const suffixes: string[] = [];
  for (const { host, port } of virtualHosts.values()) {
    if (port === 0 && host.startsWith('*')) suffixes.push(host.slice(1));
  }
  suffixes.sort((a, b) => b.length - a.length);
  const at = (host: string, port: number): VirtualHost | undefined =>
    virtualHosts.get(`${host}:${port}`) ?? virtualHosts.get(`${host}:0`);
  return {
    findExact: at,
    findWildcard(host, port, least = 0) {
      const suffix = suffixes.find((one) => host.length > one.length && host.endsWith(one));
      return suffix === undefined || suffix.length < least ? undefined : at(`*${suffix}`, port);
    },
  };
}
