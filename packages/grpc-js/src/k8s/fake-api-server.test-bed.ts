import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Watcher {
  readonly collection: string;
  readonly response: ServerResponse;
}

/** An endpoint of a slice, short. */
export interface FakeEndpoint {
  readonly address: string;
  readonly zone?: string;
  readonly ready?: boolean;
  readonly terminating?: boolean;
}

/** Lists and watches of Services and EndpointSlices over HTTP, as an API server does them; fails when told to. */
export class FakeApiServer {
  #server: Server = createServer();
  readonly #objects = new Map<string, Map<string, object>>();
  readonly #watchers = new Set<Watcher>();
  #version = 100;
  port = 0;
  /** Answers everything with this status and message. */
  refuse: { readonly status: number; readonly message: string; readonly collection?: string } | undefined;
  /** Paths and queries, in order. */
  readonly asked: string[] = [];
  authorization: string | undefined;
  /** A collection about which nothing is answered. */
  silent: string | undefined;

  async start(): Promise<this> {
    this.#server = createServer((request, response) => this.#serve(request, response));
    await new Promise<void>((resolve) => this.#server.listen(this.port, '127.0.0.1', resolve));
    const address = this.#server.address();
    this.port = isAddress(address) ? address.port : 0;
    return this;
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    this.#watchers.clear();
    await closed;
  }

  get kubeconfig(): string {
    return [
      'apiVersion: v1',
      'kind: Config',
      'current-context: test',
      'clusters:',
      '- name: here',
      '  cluster:',
      `    server: http://127.0.0.1:${this.port}`,
      'contexts:',
      '- name: test',
      '  context: {}'.replace('{}', ''),
      '    cluster: here',
      '    user: me',
      '    namespace: shop # ours',
      'users:',
      '- name: me',
      '  user:',
      '    token: "secret"',
      '',
    ].join('\n');
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  putService(
    name: string,
    ports: readonly { name: string; port: number }[],
    annotations: Readonly<Record<string, string>> = {},
  ): void {
    const spec = { clusterIP: 'None', ports: ports.map((port) => ({ ...port, targetPort: port.name })) };
    this.#put('services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'shop', annotations },
      spec,
    });
  }

  putSlice(name: string, service: string, port: number, endpoints: readonly FakeEndpoint[]): void {
    this.#put('endpointslices', {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace: 'shop', labels: { 'kubernetes.io/service-name': service } },
      addressType: 'IPv4',
      ports: [{ name: 'grpc', port, protocol: 'TCP' }],
      endpoints: endpoints.map(({ address, zone, ready = true, terminating = false }) => ({
        addresses: [address],
        conditions: { ready, serving: true, terminating },
        ...(zone !== undefined && { zone }),
      })),
    });
  }

  deleteSlice(name: string): void {
    const object = this.#objects.get('endpointslices')?.get(name);
    if (object === undefined) return;
    this.#objects.get('endpointslices')?.delete(name);
    this.#send('endpointslices', 'DELETED', stamp(object, ++this.#version));
  }

  /** Forgets what was before: a watch from an older version is told 410. */
  expire(): void {
    this.#send('endpointslices', 'ERROR', { kind: 'Status', code: 410, message: 'too old resource version' });
    for (const { response } of this.#watchers) response.end();
    this.#watchers.clear();
  }

  #put(
    collection: string,
    object: {
      readonly metadata: { readonly name: string; readonly [field: string]: unknown };
      readonly [field: string]: unknown;
    },
  ): void {
    const objects = this.#objects.get(collection) ?? new Map<string, object>();
    this.#objects.set(collection, objects);
    const type = objects.has(object.metadata.name) ? 'MODIFIED' : 'ADDED';
    const stamped = stamp(object, ++this.#version);
    objects.set(object.metadata.name, stamped);
    this.#send(collection, type, stamped);
  }

  #send(collection: string, type: string, object: object): void {
    for (const watcher of this.#watchers) {
      if (watcher.collection === collection) watcher.response.write(`${JSON.stringify({ type, object })}\n`);
    }
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://api');
    this.asked.push(`${url.pathname}${url.search}`);
    this.authorization = request.headers.authorization;
    if (this.silent !== undefined && url.pathname.endsWith(`/${this.silent}`)) return;
    const isRefused = this.refuse?.collection === undefined || url.pathname.endsWith(`/${this.refuse.collection}`);
    if (this.refuse !== undefined && isRefused) {
      response.statusCode = this.refuse.status;
      response.end(JSON.stringify({ kind: 'Status', message: this.refuse.message }));
      return;
    }
    const collection = url.pathname.split('/').at(-1) ?? '';
    if (url.searchParams.get('watch') === 'true') {
      const watcher = { collection, response };
      this.#watchers.add(watcher);
      response.on('close', () => this.#watchers.delete(watcher));
      response.write(
        `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: `${this.#version}` } } })}\n`,
      );
      return;
    }
    const items = [...(this.#objects.get(collection)?.values() ?? [])].map(withoutKind);
    const [kind, apiVersion] =
      collection === 'services' ? ['ServiceList', 'v1'] : ['EndpointSliceList', 'discovery.k8s.io/v1'];
    response.end(JSON.stringify({ kind, apiVersion, metadata: { resourceVersion: `${this.#version}` }, items }));
  }
}

function isAddress(address: unknown): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

function stamp(object: object, version: number): object {
  const metadata: unknown = Object.entries(object).find(([key]) => key === 'metadata')?.[1];
  return { ...object, metadata: { ...(typeof metadata === 'object' && metadata), resourceVersion: `${version}` } };
}

/** Items of a list say neither. */
function withoutKind(object: object): object {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== 'kind' && key !== 'apiVersion'));
}
