/** An object as the API server has it. */
export interface FakeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly namespace?: string;
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
  };
  readonly [field: string]: unknown;
}

export interface FakeEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: string;
  readonly version: number;
  readonly object: FakeObject;
}

/** `v1/services`, `networking.istio.io/v1/virtualservices`: what the path of a request names. */
export function resourceOf({ apiVersion, kind }: Pick<FakeObject, 'apiVersion' | 'kind'>): string {
  return `${apiVersion}/${kind.toLowerCase()}s`;
}

const KINDS = ['Service', 'EndpointSlice', 'Pod', 'Node', 'Namespace', 'VirtualService', 'DestinationRule'];

/** The other way: clients that know types want to be told them even when there is no object. */
export function kindOf(resource: string): { readonly apiVersion: string; readonly kind: string } {
  const end = resource.lastIndexOf('/');
  const plural = resource.slice(end + 1);
  const kind = KINDS.find((known) => `${known.toLowerCase()}s` === plural) ?? 'Unknown';
  return { apiVersion: resource.slice(0, end), kind };
}

/**
 * What etcd and the watch cache are to an API server: one counter of versions for all, a history that can be cut off, and
 * watchers that are told in its order.
 */
export class FakeStore {
  /** Of the last change. Real ones do not begin at zero. */
  version = 1000;
  /** Changes up to this one are forgotten. */
  compacted = 1000;
  readonly #objects = new Map<string, Map<string, FakeObject>>();
  readonly #history: FakeEvent[] = [];
  readonly #watchers = new Set<(event: FakeEvent) => void>();
  readonly #resources = new Set<string>();

  /** Resources that are not installed are answered with 404. */
  install(resource: string): void {
    this.#resources.add(resource);
  }

  uninstall(resource: string): void {
    for (const object of this.list(resource)) this.delete(object);
    this.#resources.delete(resource);
  }

  get resources(): readonly string[] {
    return [...this.#resources];
  }

  has(resource: string): boolean {
    return this.#resources.has(resource);
  }

  put(object: FakeObject): void {
    const resource = resourceOf(object);
    const objects = this.#objects.get(resource) ?? new Map<string, FakeObject>();
    this.#objects.set(resource, objects);
    const key = keyOf(object);
    const type = objects.has(key) ? 'MODIFIED' : 'ADDED';
    this.version++;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.version) } };
    objects.set(key, stored);
    this.#tell({ type, resource, version: this.version, object: stored });
  }

  delete(ref: Pick<FakeObject, 'apiVersion' | 'kind' | 'metadata'>): void {
    const resource = resourceOf(ref);
    const known = this.#objects.get(resource)?.get(keyOf(ref));
    if (known === undefined) return;
    this.#objects.get(resource)?.delete(keyOf(ref));
    this.version++;
    // The last state, at the version of the deletion.
    const object = { ...known, metadata: { ...known.metadata, resourceVersion: String(this.version) } };
    this.#tell({ type: 'DELETED', resource, version: this.version, object });
  }

  /** By key. */
  list(resource: string): readonly FakeObject[] {
    const objects = this.#objects.get(resource) ?? new Map<string, FakeObject>();
    return [...objects.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** Forgets the history, as etcd's compaction does every five minutes. */
  compact(): void {
    this.compacted = this.version;
    this.#history.length = 0;
  }

  /** The changes since, or `undefined` when they are forgotten. */
  since(resource: string, version: number): readonly FakeEvent[] | undefined {
    if (version < this.compacted) return undefined;
    return this.#history.filter((event) => event.resource === resource && event.version > version);
  }

  watch(watcher: (event: FakeEvent) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #tell(event: FakeEvent): void {
    this.#history.push(event);
    for (const watcher of this.#watchers) watcher(event);
  }
}

function keyOf({ metadata }: Pick<FakeObject, 'metadata'>): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
