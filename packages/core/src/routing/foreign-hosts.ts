import type { Snapshot, VirtualHost } from '../model/index.ts';

/** Hosts that are no Services, but that VirtualServices speak of. */
export interface ForeignHosts {
  /** An exact name before a wildcard, the longest wildcard before the others (Envoy, `VirtualHost.domains`). */
  find(host: string, port: number): VirtualHost | undefined;
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
    find(host, port) {
      const exact = at(host, port);
      if (exact !== undefined) return exact;
      const suffix = suffixes.find((one) => host.length > one.length && host.endsWith(one));
      return suffix === undefined ? undefined : at(`*${suffix}`, port);
    },
  };
}
