import { createServer } from 'node:http';
import { once } from 'node:events';

/** How many addresses each of the names that are asked for has. */
export const RECORDS = [1, 4, 50] as const;

/** `a4.default.svc.cluster.local`: a ClusterIP for one record, a headless Service with its pods for more. */
export function nameOf(records: number): string {
  return `a${records}.default.svc.cluster.local`;
}

/** Services that nobody asks for, so that tables have some size. */
const OTHERS = 1000;

type Resource = Readonly<Record<string, unknown>>;

function service(name: string, clusterIP: string): Resource {
  const ports = [{ name: 'grpc', port: 8000, protocol: 'TCP', targetPort: 8000 }];
  return { metadata: metadata(name), spec: { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ports } };
}

function metadata(name: string, labels: Readonly<Record<string, string>> = {}): Resource {
  return { name, namespace: 'default', resourceVersion: '1', uid: name, labels };
}

function slice(name: string, count: number): Resource {
  return {
    metadata: metadata(`${name}-1`, { 'kubernetes.io/service-name': name }),
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port: 8000, protocol: 'TCP' }],
    endpoints: Array.from({ length: count }, (_, index) => ({
      addresses: [`10.1.${count}.${index + 1}`],
      conditions: { ready: true },
    })),
  };
}

function resources(): ReadonlyMap<string, readonly [apiVersion: string, kind: string, items: readonly Resource[]]> {
  const services = [
    ...RECORDS.map((records) => service(`a${records}`, records === 1 ? '10.96.1.1' : 'None')),
    ...Array.from({ length: OTHERS }, (_, index) => service(`other-${index}`, `10.97.${index >> 8}.${index & 255}`)),
  ];
  return new Map([
    ['/api/v1/services', ['v1', 'ServiceList', services]],
    ['/api/v1/namespaces', ['v1', 'NamespaceList', [{ metadata: { ...metadata('default'), namespace: undefined } }]]],
    [
      '/apis/discovery.k8s.io/v1/endpointslices',
      ['discovery.k8s.io/v1', 'EndpointSliceList', RECORDS.map((records) => slice(`a${records}`, records))],
    ],
  ]);
}

export interface StaticCluster {
  readonly url: string;
  close(): void;
}

/** An API server in which nothing ever changes: lists, and watches that say nothing. */
export async function startStaticCluster(): Promise<StaticCluster> {
  const all = resources();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://static');
    const found = all.get(url.pathname);
    const status = found === undefined ? 404 : url.searchParams.has('sendInitialEvents') ? 400 : 200;
    response.writeHead(status, { 'content-type': 'application/json' });
    if (status !== 200 || found === undefined) {
      response.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status }));
    } else if (url.searchParams.get('watch') === 'true') response.flushHeaders();
    else {
      const [apiVersion, kind, items] = found;
      response.end(JSON.stringify({ apiVersion, kind, metadata: { resourceVersion: '1' }, items }));
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
