import { followAlias } from '../config/index.ts';
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

/** A name under that of a headless Service. */
export interface HeadlessName {
  readonly entry: ServiceEntry;
  /** What stands before the Service's name: of a pod its hostname. */
  readonly label: string;
}

/** RFC 1035 §2.3.4: octets of a label, and of a name without its root. */
const LONGEST_LABEL = 63;
const LONGEST_NAME = 253;

/**
 * The headless Service that a name stands under, as those of its pods do: Istio gives its virtual host the domain `*.` before
 * each of its own (pilot/pkg/networking/core, `generateVirtualHostDomains`). The longest one counts.
 */
export function findHeadlessService(
  { services, clusterDomain }: Snapshot,
  namespace: string,
  { host, isIpAddress }: Authority,
): HeadlessName | undefined {
  if (isIpAddress || host.length > LONGEST_NAME) return undefined;
  if (host.split('.').some((label) => label === '' || label.length > LONGEST_LABEL)) return undefined;
  for (let dot = host.indexOf('.'); dot > 0; dot = host.indexOf('.', dot + 1)) {
    const named = splitServiceName(host.slice(dot + 1), namespace, clusterDomain);
    const entry = named && services.get(serviceKey(named.namespace, named.name));
    if (entry?.service.headless === true) return { entry, label: host.slice(0, dot) };
  }
  return undefined;
}

/** The Service that an alias leads to by the names that the cluster's DNS has. */
export function aliasedService({ services, clusterDomain }: Snapshot, entry: ServiceEntry): ServiceEntry | undefined {
  return followAlias(entry, (host) => {
    const named = host.endsWith(`.svc.${clusterDomain}`) ? splitServiceName(host, '', clusterDomain) : undefined;
    return named && services.get(serviceKey(named.namespace, named.name));
  });
}

export function tcpPortsOf(entry: ServiceEntry): readonly number[] {
  return entry.ports.filter(({ port }) => port.protocol === 'TCP').map(({ port }) => port.port);
}
