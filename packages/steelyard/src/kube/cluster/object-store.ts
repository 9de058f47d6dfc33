import type { Diagnostic } from '@steelyard/core/model';
import { type ParsedObject, parseObjects } from '@steelyard/core/config';
import { fieldsOf, textOf } from '../untrusted.ts';
import type { ClusterKind, ResourceKind } from './resource-kind.ts';
import { apiVersionOf } from './resource-kind.ts';

/** Name and version of an object, whatever else it says. */
export interface ObjectIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
}

/** `undefined` when it is no object: then the stream cannot be trusted. */
export function identityOf(value: unknown): ObjectIdentity | undefined {
  const metadata = fieldsOf(fieldsOf(value)?.['metadata']);
  const name = textOf(metadata?.['name']);
  const resourceVersion = textOf(metadata?.['resourceVersion']);
  if (name === undefined || resourceVersion === undefined) return undefined;
  return { namespace: textOf(metadata?.['namespace']) ?? '', name, resourceVersion };
}

/** All objects of one kind as the API server had them last. */
export interface ObjectStore {
  readonly size: number;
  /** Takes over one event of a watch. */
  set(identity: ObjectIdentity, value: unknown, version: string): void;
  delete(identity: ObjectIdentity): void;
  /**
   * A new list: what is added to it is not in force before `commit`, which takes all of it over in one step (mark and
   * sweep), so that nobody ever sees half of a list.
   */
  replacement(): Replacement;
}

export interface Replacement {
  add(identity: ObjectIdentity, value: unknown, version: string): void;
  delete(identity: ObjectIdentity): void;
  commit(): void;
}

/** An object of the API server, read into the core's own type; what the core does not need is gone. */
interface StoredObject {
  readonly resourceVersion: string;
  /** Absent where the object cannot be used and never could. */
  readonly object: ParsedObject | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** Where it stands in the list of all. */
  at: number;
}

const NO_DIAGNOSTICS: readonly Diagnostic[] = [];

/** Objects that the core parses. */
export class ParsedObjectStore implements ObjectStore {
  readonly #resource: ResourceKind;
  readonly #onChange: () => void;
  #objects = new Map<string, StoredObject>();
  /** Of `#objects`; `undefined` when it must be made anew. */
  #list: ParsedObject[] | undefined = [];
  /** Somebody has the list as it is now: the next change is made in a copy. */
  #isListOut = false;
  #diagnostics: readonly Diagnostic[] | undefined = NO_DIAGNOSTICS;

  constructor(resource: ResourceKind, onChange: () => void) {
    this.#resource = resource;
    this.#onChange = onChange;
  }

  get kind(): ClusterKind {
    return this.#resource.kind;
  }

  get size(): number {
    return this.#objects.size;
  }

  /** The same array as long as nothing changes, and objects that do not change keep their places as far as can be. */
  get parsed(): readonly ParsedObject[] {
    this.#list ??= this.#listAll();
    this.#isListOut = true;
    return this.#list;
  }

  /** The same array as long as nothing changes. */
  get diagnostics(): readonly Diagnostic[] {
    this.#diagnostics ??= [...this.#objects.values()].flatMap(({ diagnostics }) => diagnostics);
    return this.#diagnostics;
  }

  set(identity: ObjectIdentity, value: unknown, version: string): void {
    const key = keyOf(identity);
    const before = this.#objects.get(key);
    // After a reconnection events may come again.
    if (before?.resourceVersion === identity.resourceVersion) return;
    const after = this.#read(identity, value, version, before);
    this.#objects.set(key, after);
    const changed = after.object !== before?.object;
    if (changed) this.#putInList(before, after);
    if (after.diagnostics === (before?.diagnostics ?? NO_DIAGNOSTICS)) {
      if (changed) this.#onChange();
      return;
    }
    this.#diagnostics = undefined;
    this.#onChange();
  }

  delete(identity: ObjectIdentity): void {
    const key = keyOf(identity);
    const before = this.#objects.get(key);
    if (before === undefined) return;
    this.#objects.delete(key);
    if (before.object !== undefined) this.#list = undefined;
    if (before.diagnostics.length > 0) this.#diagnostics = undefined;
    this.#onChange();
  }

  replacement(): Replacement {
    const next = new Map<string, StoredObject>();
    return {
      add: (identity, value, version) => {
        const key = keyOf(identity);
        const before = this.#objects.get(key);
        const same = before?.resourceVersion === identity.resourceVersion;
        next.set(key, same ? before : this.#read(identity, value, version, before));
      },
      delete: (identity) => void next.delete(keyOf(identity)),
      commit: () => {
        const same =
          next.size === this.#objects.size && [...next].every(([key, object]) => this.#objects.get(key) === object);
        this.#objects = next;
        if (same) return;
        this.#list = undefined;
        this.#diagnostics = undefined;
        this.#onChange();
      },
    };
  }

  #putInList(before: StoredObject | undefined, after: StoredObject): void {
    if (this.#list === undefined || after.object === undefined) {
      this.#list = undefined;
      return;
    }
    // Copying pointers is nothing beside walking over ten thousand objects.
    if (this.#isListOut) this.#list = this.#list.slice();
    this.#isListOut = false;
    after.at = before?.object === undefined ? this.#list.length : before.at;
    this.#list[after.at] = after.object;
  }

  #listAll(): ParsedObject[] {
    const list: ParsedObject[] = [];
    for (const stored of this.#objects.values()) {
      if (stored.object === undefined) continue;
      stored.at = list.length;
      list.push(stored.object);
    }
    return list;
  }

  #read(identity: ObjectIdentity, value: unknown, version: string, before: StoredObject | undefined): StoredObject {
    const { kind, plural } = this.#resource;
    const { resourceVersion } = identity;
    const apiVersion = apiVersionOf(this.#resource, version);
    const file = `${plural}/${keyOf(identity)}`;
    const read = parseObjects([{ file, value: { ...fieldsOf(value), kind, apiVersion }, locate: () => undefined }], {
      defaultNamespace: 'default',
    });
    // What is broken now keeps its last good version.
    const object = read.broken.length > 0 ? before?.object : read.objects[0];
    const diagnostics = read.diagnostics.length === 0 ? NO_DIAGNOSTICS : read.diagnostics;
    return {
      resourceVersion,
      object: kept(before?.object, object),
      diagnostics: kept(before?.diagnostics, diagnostics),
      at: before?.at ?? 0,
    };
  }
}

function keyOf({ namespace, name }: ObjectIdentity): string {
  return `${namespace}/${name}`;
}

/**
 * What was there before where the new one says the same, so that nobody takes it for a change: an object's version moves
 * with every heartbeat and status that means nothing here.
 */
function kept<T>(before: T | undefined, after: T): T {
  return before !== undefined && JSON.stringify(before) === JSON.stringify(after) ? before : after;
}
