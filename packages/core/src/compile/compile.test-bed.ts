import { parseObjects, type SourceDocument } from '../config/index.ts';
import type { Snapshot } from '../model/index.ts';
import { type Compiler, createCompiler } from './compiler.ts';

/** Compiles values as if each were a document of one file; `undefined` is a document that is no valid YAML. */
export function compile(values: readonly unknown[], compiler: Compiler = createCompiler(), line = 1): Snapshot {
  const documents = values.map((value): SourceDocument => ({
    file: 'a.yaml',
    value,
    locate: () => ({ line, column: 1 }),
    ...(value === undefined && { problems: [{ code: 'syntax-error', message: 'Bad.' }] }),
  }));
  return compiler.compile(parseObjects(documents, { defaultNamespace: 'default' }));
}

export function service(name: string, spec: object = {}, namespace = 'default'): object {
  const ports = [{ name: 'grpc', port: 8000 }];
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { ports, ...spec } };
}

export function slice(owner: string, pods: readonly string[], namespace = 'default'): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${owner}-1`, namespace, labels: { 'kubernetes.io/service-name': owner } },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port: 8000 }],
    endpoints: pods.map((target, index) => ({
      addresses: [`10.0.0.${index + 1}`],
      targetRef: { kind: 'Pod', name: target },
    })),
  };
}

export function pod(name: string, labels: object): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels } };
}

function istio(kind: string, name: string, spec: object, metadata: object = {}): object {
  return { apiVersion: 'networking.istio.io/v1', kind, metadata: { name, ...metadata }, spec };
}

export const virtualService = (name: string, spec: object, metadata: object = {}): object =>
  istio('VirtualService', name, spec, metadata);
export const destinationRule = (name: string, spec: object, metadata: object = {}): object =>
  istio('DestinationRule', name, spec, metadata);

/** A virtual service that routes `hosts` to one destination. */
export function routeTo(name: string, hosts: readonly string[], host: string, metadata: object = {}): object {
  return virtualService(name, { hosts, http: [{ route: [{ destination: { host } }] }] }, metadata);
}

export function simple(policy: string): object {
  return { trafficPolicy: { loadBalancer: { simple: policy } } };
}

export const FULL = 'backend.default.svc.cluster.local';

/** Cluster names and weights of the first route. */
export function shares(
  snapshot: Snapshot,
  virtualHost = `${FULL}:8000`,
): readonly (readonly [string, number])[] | undefined {
  const [route] = snapshot.virtualHosts.get(virtualHost)?.routes ?? [];
  return route?.destinations.map(({ cluster, weight }) => [cluster, weight]);
}

export function policyOf(snapshot: Snapshot, cluster = `outbound|8000||${FULL}`): string | undefined {
  return snapshot.clusters.get(cluster)?.loadBalancer.kind;
}

export function codes(snapshot: Snapshot): readonly string[] {
  return snapshot.diagnostics.map(({ code, object }) => `${code} ${object?.name ?? ''}`);
}

export const backend = [service('backend'), slice('backend', ['p1', 'p2'])];

export const OLD = { creationTimestamp: '2020-01-01T00:00:00Z' };
export const NEW = { creationTimestamp: '2021-01-01T00:00:00Z' };
export const targets = ['x', 'y'].flatMap((name) => [service(name), slice(name, ['q'])]);
