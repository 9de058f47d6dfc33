import { hashText } from '@steelyard/core/balance';
import type { Service, ServiceEntry, Snapshot } from '@steelyard/core/model';
import { serviceKey, usableEndpoints } from '@steelyard/core/model';

/**
 * The Snapshot with a ClusterIP for each Service that would have one in a cluster, but that is read from manifests which leave
 * it to the API server, as they should. The same Services get the same addresses.
 */
export function withClusterIps(snapshot: Snapshot): Snapshot {
  const entries = [...snapshot.services.values()];
  const missing = entries.filter(({ service }) => lacksClusterIp(service));
  if (missing.length === 0) return snapshot;
  const taken = new Set(entries.flatMap(({ service }) => service.clusterIps));
  const services = new Map(snapshot.services);
  for (const entry of missing) {
    const { service } = entry;
    const key = serviceKey(service.namespace, service.name);
    const address = freeAddress(key, isIpv6(entry), taken);
    taken.add(address);
    services.set(key, { ...entry, service: { ...service, clusterIps: [address] } });
  }
  return { ...snapshot, services };
}

/** It has none, though Services of its type have one. */
export function lacksClusterIp({ type, headless, clusterIps }: Service): boolean {
  return type !== 'ExternalName' && !headless && clusterIps.length === 0;
}

function isIpv6({ ports }: ServiceEntry): boolean {
  const [first] = ports.flatMap(({ endpoints }) => usableEndpoints(endpoints));
  return first?.family === 'IPv6';
}

/** Of 10.96.0.0/12 or fd00:10:96::/112, which clusters have by default; not their first ones, which are given by hand. */
function freeAddress(key: string, ipv6: boolean, taken: ReadonlySet<string>): string {
  for (let hash = hashText(key); ; hash++) {
    const [second, third, fourth] = [96 + ((hash >>> 16) & 15), (hash >>> 8) & 255, hash & 255];
    if (third === 0 || fourth === 0 || fourth === 255) continue;
    const address = ipv6
      ? `fd00:10:96::${third.toString(16)}${fourth.toString(16).padStart(2, '0')}`
      : `10.${second}.${third}.${fourth}`;
    if (!taken.has(address)) return address;
  }
}
