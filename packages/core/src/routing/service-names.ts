import { type ServiceEntry, serviceKey, type Snapshot } from '../model/index.ts';
import type { Authority } from './parse-authority.ts';

/** Every cluster address and whose it is. */
export type ClusterIpIndex = ReadonlyMap<string, ServiceEntry>;

export function indexClusterIps(snapshot: Snapshot): ClusterIpIndex {
  const index = new Map<string, ServiceEntry>();
  for (const entry of snapshot.services.values()) {
    for (const address of entry.service.clusterIps) index.set(address, entry);
  }
  return index;
}

/** The namespace and name that a host means, by the cluster's search list: `name`, `name.ns`, `name.ns.svc`, full. */
export function splitServiceName(
  host: string,
  namespace: string,
  clusterDomain: string,
): { readonly namespace: string; readonly name: string } | undefined {
  // What is left must have a dot: "name.svc" is Service "name" of a namespace "svc".
  const rest = stripSuffix(host, `.svc.${clusterDomain}`) ?? stripSuffix(host, '.svc') ?? host;
  const [name, owner, ...more] = rest.split('.');
  if (name === undefined || name === '' || owner === '' || more.length > 0) return undefined;
  return { namespace: owner ?? namespace, name };
}

function stripSuffix(text: string, suffix: string): string | undefined {
  const rest = text.endsWith(suffix) ? text.slice(0, -suffix.length) : undefined;
  return rest?.includes('.') === true ? rest : undefined;
}

export function findService(
  snapshot: Snapshot,
  clusterIps: ClusterIpIndex,
  namespace: string,
  { host, isIpAddress }: Authority,
): ServiceEntry | undefined {
  if (isIpAddress) return clusterIps.get(host);
  const named = splitServiceName(host, namespace, snapshot.clusterDomain);
  return named && snapshot.services.get(serviceKey(named.namespace, named.name));
}

export function tcpPortsOf(entry: ServiceEntry): readonly number[] {
  return entry.ports.filter(({ port }) => port.protocol === 'TCP').map(({ port }) => port.port);
}
