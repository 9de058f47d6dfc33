import { serviceKey, type Snapshot, type VirtualHost } from '../model/index.ts';
import { parseAuthority } from './parse-authority.ts';
import { type ClusterIpIndex, findService, splitServiceName, tcpPortsOf } from './service-names.ts';

/** A Service port as a user names it. */
export interface AddressedService {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

interface MissOptions {
  readonly namespace: string;
  readonly service?: AddressedService;
  readonly listenPort: number;
}

/** Why an authority led to no virtual host. It goes to the caller, so an authority is quoted, and cut if it is long. */
export function explainMiss(
  snapshot: Snapshot,
  clusterIps: ClusterIpIndex,
  options: MissOptions,
  text: string,
): string {
  const { service } = options;
  const why = explainAuthority(snapshot, clusterIps, options, text);
  if (service === undefined) return `${why}.`;
  const { namespace, name, port } = service;
  return `${why}, and the Service to fall back on, ${namespace}/${name} port ${port}, is not known.`;
}

function explainAuthority(
  snapshot: Snapshot,
  clusterIps: ClusterIpIndex,
  { namespace, listenPort }: MissOptions,
  text: string,
): string {
  const quoted = JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
  if (text === '') return 'The call has no :authority to route by';
  const authority = parseAuthority(text);
  if (authority === undefined) return `:authority ${quoted} is no host or host:port`;
  const entry = findService(snapshot, clusterIps, namespace, authority);
  if (entry === undefined) {
    if (authority.isIpAddress) return `:authority ${quoted} is the cluster address of no known Service`;
    const named = splitServiceName(authority.host, namespace, snapshot.clusterDomain);
    if (named === undefined) return `:authority ${quoted} is not the name of a Service in ${snapshot.clusterDomain}`;
    return `:authority ${quoted} means Service ${serviceKey(named.namespace, named.name)}, which is not known`;
  }
  const key = serviceKey(entry.service.namespace, entry.service.name);
  if (entry.service.type === 'ExternalName')
    return `:authority ${quoted} means Service ${key}, which is only a DNS alias`;
  const ports = tcpPortsOf(entry);
  const host = `${entry.service.name}.${entry.service.namespace}.svc.${snapshot.clusterDomain}`;
  if (ports.length > 0 && !ports.some((port) => snapshot.virtualHosts.has(`${host}:${port}`))) {
    return `:authority ${quoted} means Service ${key}, which is not exported to these callers`;
  }
  if (ports.length === 0) return `:authority ${quoted} means Service ${key}, which has no TCP port`;
  const known = `TCP ${ports.length === 1 ? 'port' : 'ports'} ${ports.join(', ')}`;
  if (authority.port !== undefined) {
    return `:authority ${quoted} means Service ${key}, which has ${known} and not ${authority.port}`;
  }
  return `:authority ${quoted} names no port, and Service ${key} has ${known} but not ${listenPort}, where the call arrived`;
}

/** Why a virtual host has no route for a call. */
export function explainNoRoute(virtualHost: VirtualHost): string {
  const { virtualService } = virtualHost;
  const name = renderHostName(virtualHost);
  if (virtualService === undefined) return `${name} has no route.`;
  return `No route of VirtualService ${virtualService.namespace}/${virtualService.name} takes this call to ${name}.`;
}

/** Hosts that are no Services have the same rules at all ports but those that rules name. */
export function renderHostName({ name, host, port }: VirtualHost): string {
  return port === 0 ? host : name;
}
