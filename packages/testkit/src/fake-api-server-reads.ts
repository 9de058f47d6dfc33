import { type FakeEvent, type FakeObject, type FakeStore, kindOf } from './fake-api-server-store.ts';

export interface FakeRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly httpVersion: string;
}

/** An answer that is being written. */
export interface FakeAnswer {
  head(status: number, headers?: Readonly<Record<string, string>>): void;
  write(text: string): void;
  end(): void;
  /** Tells the version reached, if this is a watch that asked for it. */
  bookmark: () => void;
  onEnd: () => void;
}

/** Lists and watches of all namespaces, as kube-apiserver answers them. */
export function answerRead(
  store: FakeStore,
  { path, query, headers }: FakeRequest,
  answer: FakeAnswer,
  watchList: boolean,
): void {
  const resource = /^\/apis?\/(.+)$/.exec(path)?.[1] ?? '';
  const document = path === '/readyz' ? { ok: true } : discover(store, resource);
  if (document !== undefined) {
    answer.head(200);
    answer.write(JSON.stringify(document));
    answer.end();
    return;
  }
  if (!store.has(resource)) {
    refuse(answer, 404, 'NotFound', 'the server could not find the requested resource');
    return;
  }
  const metadataOnly = String(headers['accept']).includes('as=PartialObjectMetadata');
  const shape = (object: FakeObject): FakeObject =>
    metadataOnly ? { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata } : object;
  if (query.get('watch') === 'true') answerWatch({ store, resource, query, answer, watchList, shape });
  else answerList({ store, resource, query, answer, watchList, shape });
}

/** The discovery documents of a group and of one of its versions (meta/v1 APIGroup and APIResourceList). */
function discover(store: FakeStore, path: string): unknown {
  const installed = store.resources.filter((resource) => resource.startsWith(`${path}/`));
  if (path === '' || installed.length === 0) return undefined;
  const rest = installed.map((resource) => resource.slice(path.length + 1));
  if (rest.every((one) => !one.includes('/'))) {
    return { kind: 'APIResourceList', groupVersion: path, resources: rest.map((name) => ({ name })) };
  }
  const versions = [...new Set(rest.map((one) => one.split('/')[0] ?? ''))];
  return {
    kind: 'APIGroup',
    name: path,
    versions: versions.map((version) => ({ groupVersion: `${path}/${version}`, version })),
  };
}

interface Read {
  readonly store: FakeStore;
  readonly resource: string;
  readonly query: URLSearchParams;
  readonly answer: FakeAnswer;
  readonly watchList: boolean;
  readonly shape: (object: FakeObject) => FakeObject;
}

function refuse(answer: FakeAnswer, code: number, reason: string, message: string): void {
  answer.head(code);
  answer.write(JSON.stringify(statusOf(code, reason, message)));
  answer.end();
}

function statusOf(code: number, reason: string, message: string): unknown {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
}

/** Paged unless any version will do: then the watch cache answers, which ignores the limit. */
function answerList({ store, resource, query, answer, shape }: Read): void {
  const asked = query.get('resourceVersion') ?? '';
  const token = query.get('continue');
  if (Number(asked) > store.version) {
    refuse(answer, 504, 'Timeout', `Too large resource version: ${asked}, current: ${store.version}`);
    return;
  }
  const [tokenVersion = '0', after = ''] = token === null ? [] : token.split('|');
  if (token !== null && Number(tokenVersion) < store.compacted) {
    refuse(answer, 410, 'Expired', 'The provided continue parameter is too old');
    return;
  }
  const all = store.list(resource).filter((object) => sortKey(object) > after || token === null);
  const limit = asked === '0' || query.get('limit') === null ? all.length : Number(query.get('limit'));
  const page = all.slice(0, limit);
  const last = page.at(-1);
  const version = token === null ? String(store.version) : tokenVersion;
  const more = all.length > page.length && last !== undefined ? `${version}|${sortKey(last)}` : undefined;
  answer.head(200);
  // Items of a list do not say their kind (typed kinds; apimachinery strips it).
  const items = page.map((object) => {
    const { kind: _kind, apiVersion: _apiVersion, ...rest } = shape(object);
    return rest;
  });
  answer.write(
    JSON.stringify({
      apiVersion: kindOf(resource).apiVersion,
      kind: `${kindOf(resource).kind}List`,
      metadata: { resourceVersion: version, ...(more !== undefined && { continue: more }) },
      items,
    }),
  );
  answer.end();
}

function sortKey({ metadata }: FakeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function answerWatch({ store, resource, query, answer, watchList, shape }: Read): void {
  const write = (type: string, object: unknown): void => answer.write(`${JSON.stringify({ type, object })}\n`);
  const bookmark = (annotations?: Readonly<Record<string, string>>): void =>
    write('BOOKMARK', {
      ...kindOf(resource),
      metadata: { resourceVersion: String(store.version), ...(annotations && { annotations }) },
    });
  const initial = query.get('sendInitialEvents') === 'true';
  if (initial && !watchList) {
    refuse(answer, 422, 'Invalid', 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch');
    return;
  }
  const from = query.get('resourceVersion') ?? '';
  if (Number(from) > store.version) {
    refuse(answer, 504, 'Timeout', `Too large resource version: ${from}, current: ${store.version}`);
    return;
  }
  answer.head(200);
  const missed = initial || from === '' || from === '0' ? [] : store.since(resource, Number(from));
  if (missed === undefined) {
    write('ERROR', statusOf(410, 'Expired', `too old resource version: ${from} (${store.compacted})`));
    answer.end();
    return;
  }
  if (initial || from === '' || from === '0') for (const object of store.list(resource)) write('ADDED', shape(object));
  if (initial) bookmark({ 'k8s.io/initial-events-end': 'true' });
  for (const event of missed) write(event.type, shape(event.object));
  const unwatch = store.watch((event: FakeEvent) => {
    if (event.resource === resource) write(event.type, shape(event.object));
  });
  if (query.get('allowWatchBookmarks') === 'true') answer.bookmark = () => bookmark();
  answer.onEnd = () => unwatch();
}
