import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { KubeObject } from './objects.ts';

const COLLECTIONS: Readonly<Record<string, string>> = {
  '/api/v1/services': 'Service',
  '/apis/discovery.k8s.io/v1/endpointslices': 'EndpointSlice',
  '/api/v1/nodes': 'Node',
  '/apis/networking.k8s.io/v1/servicecidrs': 'ServiceCIDR',
};

export interface ApiStub {
  readonly url: string;
  /** Sends a changed object to all who watch its kind. */
  publish(object: KubeObject): void;
  close(): void;
}

/** Lists what it was given and passes changes on: as much of an API server as both subjects need, at the least cost. */
export async function startApiStub(objects: readonly KubeObject[]): Promise<ApiStub> {
  const watchers = new Map<string, Set<ServerResponse>>();
  const lists = new Map<string, string>();

  function listOf(kind: string, apiVersion: string): string {
    const known = lists.get(kind);
    if (known !== undefined) return known;
    const items = objects.filter((each) => each.kind === kind);
    const text = JSON.stringify({ apiVersion, kind: `${kind}List`, metadata: { resourceVersion: '1' }, items });
    lists.set(kind, text);
    return text;
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://stub');
    const json = { 'content-type': 'application/json' };
    const refuse = (code: number): void => {
      const status = { apiVersion: 'v1', kind: 'Status', status: 'Failure', reason: 'Invalid', code };
      response.writeHead(code, json).end(JSON.stringify(status));
    };
    if (request.method !== 'GET') return void response.writeHead(201, json).end('{}');
    const node = objects.find(
      ({ kind, metadata }) => kind === 'Node' && url.pathname === `/api/v1/nodes/${String(metadata['name'])}`,
    );
    if (node !== undefined) return void response.writeHead(200, json).end(JSON.stringify(node));
    const kind = COLLECTIONS[url.pathname];
    if (kind === undefined) return refuse(404);
    // Clients fall back to a list when the server cannot stream the initial events.
    if (url.searchParams.get('sendInitialEvents') === 'true') return refuse(422);
    const watch = url.searchParams.get('watch');
    if (watch === null || watch === 'false') {
      const apiVersion = url.pathname.split('/').slice(2, -1).join('/');
      return void response.writeHead(200, json).end(listOf(kind, apiVersion));
    }
    response.writeHead(200, json);
    response.flushHeaders();
    const all = watchers.get(kind) ?? new Set();
    watchers.set(kind, all.add(response));
    response.on('close', () => all.delete(response));
  }

  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the API stub has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    publish(object) {
      const line = `${JSON.stringify({ type: 'MODIFIED', object })}\n`;
      for (const watcher of watchers.get(object.kind) ?? []) watcher.write(line);
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
