import { type ServiceEntry, serviceKey, type Snapshot, type VirtualHost } from '../model/index.ts';
import { parseAuthority } from './parse-authority.ts';
import {
  aliasedService,
  type ClusterIpIndex,
  findHeadlessService,
  findService,
  splitServiceName,
  tcpPortsOf,
} from './service-names.ts';

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
  const named = findService(snapshot, clusterIps, namespace, authority);
  const entry = named ?? findHeadlessService(snapshot, namespace, authority)?.entry;
  if (entry === undefined) {
    if (authority.isIpAddress) return `:authority ${quoted} is the cluster address of no known Service`;
    const meant = splitServiceName(authority.host, namespace, snapshot.clusterDomain);
    if (meant === undefined) return `:authority ${quoted} is not the name of a Service in ${snapshot.clusterDomain}`;
    return `:authority ${quoted} means Service ${serviceKey(meant.namespace, meant.name)}, which is not known`;
  }
  const end = aliasedService(snapshot, entry);
  if (end === undefined) return `:authority ${quoted} means Service ${keyOf(entry)}, which is only a DNS alias`;
  const key = keyOf(end);
  const means = `:authority ${quoted} means ${named === undefined ? 'a pod of ' : ''}Service ${key}`;
  const ports = tcpPortsOf(end);
  const host = `${end.service.name}.${end.service.namespace}.svc.${snapshot.clusterDomain}`;
  if (ports.length > 0 && !ports.some((port) => snapshot.virtualHosts.has(`${host}:${port}`))) {
    return `${means}, which is not exported to these callers`;
  }
  if (ports.length === 0) return `${means}, which has no TCP port`;
  const known = `TCP ${ports.length === 1 ? 'port' : 'ports'} ${ports.join(', ')}`;
  if (authority.port !== undefined) {
    return `${means}, which has ${known} and not ${authority.port}`;
  }
  const which = listenPort === 0 ? '' : ` but not ${listenPort}, where the call arrived`;
  return `:authority ${quoted} names no port, and Service ${key} has ${known}${which}`;
}

function keyOf({ service: { namespace, name } }: ServiceEntry): string {
  return serviceKey(namespace, name);
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
