// Snapshots for the lab's tests, made by hand: no parser's or compiler's mistake can hide in them.
import type {
  Cluster,
  Endpoint,
  LoadBalancerPolicy,
  Service,
  ServiceEntry,
  Snapshot,
  VirtualHost,
} from '@steelyard/core/model';
import { serviceKey } from '@steelyard/core/model';

export function pod(address: string, port = 8000, changes: Partial<Endpoint> = {}): Endpoint {
  return {
    address,
    port,
    family: address.includes(':') ? 'IPv6' : 'IPv4',
    conditions: { ready: true, serving: true, terminating: false },
    ...changes,
  };
}

export const UNREADY = { conditions: { ready: false, serving: false, terminating: false } } as const;

export interface FixtureService {
  readonly name: string;
  readonly namespace?: string;
  readonly clusterIp?: string;
  readonly portName?: string;
  readonly protocol?: 'TCP' | 'UDP';
  readonly appProtocol?: string;
  readonly port?: number;
  readonly pods: readonly Endpoint[];
  readonly policy?: LoadBalancerPolicy;
}

/** Every Service with its default route and cluster; one without `clusterIp` is headless. */
export function snapshotOf(...services: readonly FixtureService[]): Snapshot {
  const entries = services.map(entryOf);
  const clusters = services.map(clusterOf);
  return {
    version: 1,
    clusterDomain: 'cluster.local',
    services: new Map(entries.map((entry) => [serviceKey(entry.service.namespace, entry.service.name), entry])),
    clusters: new Map(clusters.map((cluster) => [cluster.name, cluster])),
    virtualHosts: new Map(clusters.map((cluster) => [`${cluster.host}:${cluster.port}`, defaultRoute(cluster)])),
    diagnostics: [],
  };
}

function entryOf(fixture: FixtureService): ServiceEntry {
  const port = {
    name: fixture.portName ?? 'grpc',
    protocol: fixture.protocol ?? 'TCP',
    port: fixture.port ?? 8000,
    targetPort: 8000,
    ...(fixture.appProtocol === undefined ? {} : { appProtocol: fixture.appProtocol }),
  } as const;
  const service: Service = {
    kind: 'Service',
    namespace: fixture.namespace ?? 'default',
    name: fixture.name,
    type: 'ClusterIP',
    headless: fixture.clusterIp === undefined,
    clusterIps: fixture.clusterIp === undefined ? [] : [fixture.clusterIp],
    ports: [port],
  };
  return { service, ports: [{ port, endpoints: fixture.pods }] };
}

export function clusterOf(fixture: FixtureService): Cluster {
  const host = `${fixture.name}.${fixture.namespace ?? 'default'}.svc.cluster.local`;
  const port = fixture.port ?? 8000;
  return {
    name: `outbound|${port}||${host}`,
    host,
    port,
    subset: '',
    loadBalancer: fixture.policy ?? { kind: 'RANDOM' },
    endpoints: fixture.pods.filter((each) => each.conditions.ready),
  };
}

function defaultRoute({ name, host, port }: Cluster): VirtualHost {
  const route = { name: 'default', destinations: [{ cluster: name, weight: 1 }], totalWeight: 1 };
  return { name: `${host}:${port}`, host, port, namespace: host.split('.')[1] ?? '', routes: [route] };
}
