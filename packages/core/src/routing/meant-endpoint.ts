import { hashOfEndpoint } from '../balance/index.ts';
import { type Cluster, renderEndpointAddress, type Snapshot } from '../model/index.ts';
import type { AddressedService } from './explain-miss.ts';
import { type Authority, parseAuthority } from './parse-authority.ts';
import type { RouteRequest } from './route-request.ts';
import { splitServiceName } from './service-names.ts';

/** By what callers may call an endpoint: its address with port, and `hostname.service`, its DNS name's first two labels. */
const names = new WeakMap<Cluster['endpoints'], ReadonlyMap<string, number>>();

/**
 * The endpoint that a call means, for PASSTHROUGH: its caller cannot be asked what it has resolved, but may say so in the
 * `:authority`, which is the pod's address, or the DNS name of a pod of a headless Service.
 *
 * @returns what the cluster's picker finds it by; `undefined` where the call means none
 */
export function meantEndpoint(cluster: Cluster, { authority: text }: RouteRequest): number | undefined {
  const authority = text === undefined ? undefined : parseAuthority(text);
  return authority && namesOf(cluster).get(nameIn(authority, cluster.port));
}

function nameIn({ host, isIpAddress, port }: Authority, defaultPort: number): string {
  if (isIpAddress) return renderEndpointAddress(host, port ?? defaultPort);
  const [hostname = '', service = ''] = host.split('.', 2);
  return `${hostname}.${service}`;
}

function namesOf({ endpoints, host }: Cluster): ReadonlyMap<string, number> {
  let known = names.get(endpoints);
  if (known === undefined) {
    const [service = ''] = host.split('.', 1);
    known = new Map(
      endpoints.flatMap(({ address, port, hostname }) => {
        const key = renderEndpointAddress(address, port);
        const hash = hashOfEndpoint(key);
        return hostname === undefined
          ? [[key, hash] as const]
          : [[key, hash] as const, [`${hostname}.${service}`, hash] as const];
      }),
    );
    names.set(endpoints, known);
  }
  return known;
}

/**
 * The Service ports whose pods callers may call by address or hostname: those with PASSTHROUGH and no address of their own.
 * Names under that of a headless Service are known before (`findHeadlessService`). Made when first asked for: next to nobody
 * has any.
 */
export function createMeantServices(
  snapshot: Snapshot,
  namespace: string,
): (authority: Authority) => AddressedService | undefined {
  let byHost: ReadonlyMap<string, readonly Cluster[]> | undefined;
  let byAddress: ReadonlyMap<string, Cluster> = new Map();

  const index = (): ReadonlyMap<string, readonly Cluster[]> => {
    const clusters = [...snapshot.clusters.values()].filter(
      ({ loadBalancer, extensions, toServiceAddress, subset }) =>
        loadBalancer.kind === 'PASSTHROUGH' &&
        extensions?.policy === undefined &&
        toServiceAddress !== true &&
        subset === '',
    );
    byAddress = new Map(
      clusters.flatMap((cluster) =>
        cluster.endpoints.map(({ address, port }) => [renderEndpointAddress(address, port), cluster] as const),
      ),
    );
    const ports = new Map<string, Cluster[]>();
    for (const cluster of clusters) ports.set(cluster.host, [...(ports.get(cluster.host) ?? []), cluster]);
    return ports;
  };

  return ({ host, isIpAddress, port }) => {
    byHost ??= index();
    if (byHost.size === 0) return undefined;
    if (isIpAddress)
      return serviceOf(port === undefined ? undefined : byAddress.get(renderEndpointAddress(host, port)));
    const dot = host.indexOf('.');
    const named = dot < 1 ? undefined : splitServiceName(host.slice(dot + 1), namespace, snapshot.clusterDomain);
    if (named === undefined) return undefined;
    const ports = byHost.get(`${named.name}.${named.namespace}.svc.${snapshot.clusterDomain}`) ?? [];
    return serviceOf(ports.length === 1 && port === undefined ? ports[0] : ports.find((one) => one.port === port));
  };
}

function serviceOf(cluster: Cluster | undefined): AddressedService | undefined {
  if (cluster === undefined) return undefined;
  const [name = '', namespace = ''] = cluster.host.split('.', 2);
  return { namespace, name, port: cluster.port };
}
