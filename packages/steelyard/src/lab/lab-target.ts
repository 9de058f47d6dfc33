import type { Endpoint, ServiceEntry, ServicePortEndpoints, Snapshot, VirtualHost } from '@steelyard/core/model';
import { renderPosition } from '@steelyard/core/config';
import { serviceKey, usableEndpoints } from '@steelyard/core/model';
import { LabError } from './lab-error.ts';

/** A Service port: what the experiment is about. */
export interface ServicePortTarget {
  readonly entry: ServiceEntry;
  readonly port: ServicePortEndpoints;
}

/** Everything the three ways to one set of pods need to know. */
export interface LabTarget extends ServicePortTarget {
  readonly clusterIp: string;
  /** What the proxy does with the Service's calls. */
  readonly virtualHost: VirtualHost;
  /** Where a call may land on any way, in the order of `ip:port`. Never empty. */
  readonly pods: readonly Endpoint[];
  /** A headless Service with the same pods, or why the headless way cannot be taken. */
  readonly headless: ServicePortTarget | string;
}

/** `ip:port`: what tells pods apart. Names may be missing, and pods on the node's network share its address. */
export function podKey(pod: { readonly address: string; readonly port: number }): string {
  return `${pod.address}:${pod.port}`;
}

/** What calls to a Service port may land on. */
export function usablePods(port: ServicePortEndpoints): readonly Endpoint[] {
  return usableEndpoints(port.endpoints);
}

/**
 * The Service the experiment is about: the one asked for, else the first with a ClusterIP and endpoints, preferring
 * ports that say they speak gRPC.
 *
 * @param wanted `NAME`, `NAME.NS`, either with `:PORT`, where PORT is a number or a name
 */
export function findLabTarget(snapshot: Snapshot, namespace: string, wanted?: string): LabTarget {
  const chosen = wanted === undefined ? chooseTarget(snapshot) : findWanted(snapshot, namespace, wanted);
  const { entry, port } = chosen;
  const { service } = entry;
  const label = `${serviceKey(service.namespace, service.name)}:${port.port.port}`;
  const place = service.position === undefined ? '' : `${renderPosition(service.position)}: `;
  // The relay and the walked rules need one family; the first is the Service's primary one (KEP-563).
  const clusterIp = service.clusterIps[0];
  if (clusterIp === undefined) {
    throw new LabError(`${place}Service ${label} has no ClusterIP: name the one whose address the callers dial`);
  }
  const virtualHost = snapshot.virtualHosts.get(
    `${service.name}.${service.namespace}.svc.${snapshot.clusterDomain}:${port.port.port}`,
  );
  if (virtualHost === undefined) throw new LabError(`${place}Service ${label} has no route: is its port a TCP one?`);
  const pods = podsOf(snapshot, port, virtualHost);
  if (pods.length === 0) {
    throw new LabError(
      `${place}Service ${label} has no endpoints: give an EndpointSlice for it with at least one ready address`,
    );
  }
  return { entry, port, clusterIp, virtualHost, pods, headless: findHeadless(snapshot, port, label) };
}

function chooseTarget(snapshot: Snapshot): ServicePortTarget {
  const candidates = [...snapshot.services.values()]
    .filter(({ service }) => service.clusterIps.length > 0)
    .flatMap((entry) => entry.ports.filter(isTcp).map((port) => ({ entry, port })));
  const usable = candidates.filter(({ port }) => usablePods(port).length > 0);
  const chosen = usable.find(speaksGrpc) ?? usable[0] ?? candidates.find(speaksGrpc) ?? candidates[0];
  if (chosen === undefined) {
    throw new LabError(
      'the manifests hold no Service with a ClusterIP and a TCP port, whose calls could be compared: add one, as in examples/backend',
    );
  }
  return chosen;
}

function findWanted(snapshot: Snapshot, namespace: string, wanted: string): ServicePortTarget {
  const match = /^(?<name>[^.:/]+)(?:\.(?<ns>[^.:/]+)(?:\.svc(?:\.[^:/]+)?)?)?(?::(?<port>[^:/]+))?$/.exec(wanted);
  if (match?.groups === undefined) throw new LabError(`--service ${wanted}: write NAME, NAME.NAMESPACE or either:PORT`);
  const { name = '', ns = namespace, port } = match.groups;
  const entry = snapshot.services.get(serviceKey(ns, name));
  if (entry === undefined) {
    const known = [...snapshot.services.keys()].join(', ');
    throw new LabError(`--service ${wanted}: no Service ${serviceKey(ns, name)}; there is ${known || 'none at all'}`);
  }
  const ports = entry.ports.filter(isTcp);
  const found =
    port === undefined
      ? (ports.find((candidate) => speaksGrpc({ entry, port: candidate })) ?? ports[0])
      : ports.find((candidate) => String(candidate.port.port) === port || candidate.port.name === port);
  if (found === undefined) {
    const known = ports.map((candidate) => candidate.port.port).join(', ');
    throw new LabError(
      `--service ${wanted}: Service ${serviceKey(ns, name)} has no such TCP port; it has ${known || 'none'}`,
    );
  }
  return { entry, port: found };
}

function isTcp(port: ServicePortEndpoints): boolean {
  return port.port.protocol === 'TCP';
}

/**
 * Istio's explicit protocol selection: `appProtocol`, else the port's name up to its first dash
 * (istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection); `kubernetes.io/h2c` is KEP-3726.
 */
function speaksGrpc({ port: { port } }: ServicePortTarget): boolean {
  const protocol = (port.appProtocol ?? port.name.split('-', 1)[0] ?? '').toLowerCase();
  return ['grpc', 'http2', 'h2c', 'kubernetes.io/h2c'].includes(protocol);
}

/** The Service's own endpoints, and those its routes lead to: a subset, another Service. */
function podsOf(snapshot: Snapshot, port: ServicePortEndpoints, virtualHost: VirtualHost): readonly Endpoint[] {
  const routed = virtualHost.routes
    .flatMap((route) => route.destinations)
    .flatMap(({ cluster }) => snapshot.clusters.get(cluster)?.endpoints ?? [])
    .filter(({ isService }) => isService !== true);
  const byKey = new Map([...usablePods(port), ...routed].map((pod) => [podKey(pod), pod]));
  return [...byKey.keys()].toSorted().flatMap((key) => byKey.get(key) ?? []);
}

function findHeadless(snapshot: Snapshot, port: ServicePortEndpoints, label: string): ServicePortTarget | string {
  const pods = keysOf(port);
  for (const entry of snapshot.services.values()) {
    if (!entry.service.headless) continue;
    const same = entry.ports.find((candidate) => isTcp(candidate) && keysOf(candidate) === pods);
    if (same !== undefined) return { entry, port: same };
  }
  return `no headless Service has the pods of ${label}`;
}

function keysOf(port: ServicePortEndpoints): string {
  return usablePods(port).map(podKey).toSorted().join(' ');
}
