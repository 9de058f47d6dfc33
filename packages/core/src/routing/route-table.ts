import type { Snapshot, VirtualHost } from '../model/index.ts';
import { type AddressedService, explainMiss } from './explain-miss.ts';
import { createForeignHosts } from './foreign-hosts.ts';
import { createMeantServices } from './meant-endpoint.ts';
import { parseAuthority } from './parse-authority.ts';
import { findService, indexClusterIps, tcpPortsOf } from './service-names.ts';

export interface RouteTableOptions {
  /** Short names in an authority are of this namespace. */
  readonly namespace: string;
  /** The Service meant when an authority names none. */
  readonly service?: AddressedService;
  /** Port the caller reached us on: the one meant by an authority without port, if the Service has it. */
  readonly listenPort: number;
}

/** Answers for one Snapshot. Make a new one for each. */
export interface RouteTable {
  /**
   * The virtual host a request's `:authority` means: a Service's name (short, with namespace, with `svc`, fully qualified;
   * any case, with or without trailing dot) or cluster address, with or without port; or a host that is no Service, but that
   * a VirtualService speaks of. Allocates nothing for an authority seen before.
   */
  findVirtualHost(authority: string): VirtualHost | undefined;
  /** One sentence for a caller whose authority led nowhere: what and why. */
  explainMiss(authority: string): string;
}

/** Callers choose their authorities; what is remembered of them must be bounded. */
const REMEMBERED = 1024;

export function createRouteTable(snapshot: Snapshot, options: RouteTableOptions): RouteTable {
  const clusterIps = indexClusterIps(snapshot);
  const foreign = createForeignHosts(snapshot);
  const meant = createMeantServices(snapshot, options.namespace);
  const remembered = new Map<string, VirtualHost>();
  const fallback = options.service && virtualHostOf(snapshot, options.service);

  const resolve = (text: string): VirtualHost | undefined => {
    const authority = parseAuthority(text);
    if (authority === undefined) return undefined;
    const service = findService(snapshot, clusterIps, options.namespace, authority);
    if (service === undefined) {
      const passed = meant(authority);
      if (passed !== undefined) return virtualHostOf(snapshot, passed);
      return foreign.find(authority.host, authority.port ?? options.listenPort);
    }
    const { namespace, name, type } = service.service;
    if (type === 'ExternalName') {
      const host = `${name}.${namespace}.svc.${snapshot.clusterDomain}`;
      return foreign.find(host, authority.port ?? options.listenPort);
    }
    const port = authority.port ?? defaultPort(tcpPortsOf(service), options.listenPort);
    return port === undefined ? undefined : virtualHostOf(snapshot, { ...service.service, port });
  };

  return {
    findVirtualHost(authority) {
      const known = remembered.get(authority);
      if (known !== undefined) return known;
      const found = resolve(authority) ?? fallback;
      if (found !== undefined && remembered.size < REMEMBERED) remembered.set(authority, found);
      return found;
    },
    explainMiss: (authority) => explainMiss(snapshot, clusterIps, options, authority),
  };
}

function defaultPort(ports: readonly number[], listenPort: number): number | undefined {
  if (ports.includes(listenPort)) return listenPort;
  return ports.length === 1 ? ports[0] : undefined;
}

function virtualHostOf(snapshot: Snapshot, { namespace, name, port }: AddressedService): VirtualHost | undefined {
  return snapshot.virtualHosts.get(`${name}.${namespace}.svc.${snapshot.clusterDomain}:${port}`);
}
