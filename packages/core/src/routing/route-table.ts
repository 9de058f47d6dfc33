import type { ServiceEntry, Snapshot, VirtualHost } from '../model/index.ts';
import { type AddressedService, explainMiss } from './explain-miss.ts';
import { createForeignHosts } from './foreign-hosts.ts';
import { createMeantServices } from './meant-endpoint.ts';
import { type Authority, parseAuthority } from './parse-authority.ts';
import {
  aliasedService,
  findHeadlessService,
  findService,
  type HeadlessName,
  indexClusterIps,
  tcpPortsOf,
} from './service-names.ts';

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
   * any case, with or without trailing dot) or cluster address, with or without port; what an alias leads to; a name under
   * that of a headless Service, as its pods have; or a host that is no Service, but that a VirtualService speaks of.
   * Allocates nothing for an authority seen before.
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

  const atService = ({ service, ports }: ServiceEntry, authority: Authority): VirtualHost | undefined => {
    const { namespace, name } = service;
    const port = authority.port ?? defaultPort(tcpPortsOf({ service, ports }), options.listenPort);
    return port === undefined ? undefined : virtualHostOf(snapshot, { namespace, name, port });
  };

  const atAlias = (entry: ServiceEntry, authority: Authority): VirtualHost | undefined => {
    const { namespace, name } = entry.service;
    const host = `${name}.${namespace}.svc.${snapshot.clusterDomain}`;
    const port = authority.port ?? options.listenPort;
    const own = foreign.findExact(host, port) ?? foreign.findWildcard(host, port);
    if (own !== undefined) return own;
    const meaning = aliasedService(snapshot, entry);
    return meaning && atService(meaning, authority);
  };

  /** Names under one of a headless Service are its own, but for what fits better. */
  const underHeadless = ({ entry, label }: HeadlessName, authority: Authority): VirtualHost | undefined => {
    const { namespace, name } = entry.service;
    const suffix = `.${name}.${namespace}.svc.${snapshot.clusterDomain}`;
    const [host, port] = [`${label}${suffix}`, authority.port ?? options.listenPort];
    const better = foreign.findExact(host, port) ?? foreign.findWildcard(host, port, suffix.length);
    return better ?? atService(entry, authority);
  };

  const resolve = (text: string): VirtualHost | undefined => {
    const authority = parseAuthority(text);
    if (authority === undefined) return undefined;
    const { host, port = options.listenPort } = authority;
    const service = findService(snapshot, clusterIps, options.namespace, authority);
    if (service?.service.type === 'ExternalName') return atAlias(service, authority);
    if (service !== undefined) return atService(service, authority);
    const exact = foreign.findExact(host, port);
    if (exact !== undefined) return exact;
    const headless = findHeadlessService(snapshot, options.namespace, authority);
    if (headless !== undefined) return underHeadless(headless, authority);
    const passed = meant(authority);
    return passed === undefined ? foreign.findWildcard(host, port) : virtualHostOf(snapshot, passed);
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
