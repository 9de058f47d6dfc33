import type { Diagnostic } from '@steelyard/core/model';
import { type ParsedObject, parseObjects } from '@steelyard/core/config';
import { fieldsOf, textOf } from '../untrusted.ts';
import type { ResourceKind } from './resource-kind.ts';
import { apiVersionOf } from './resource-kind.ts';

/** An object of the API server, read into the core's own type; what the core does not need is gone. */
interface StoredObject {
  readonly resourceVersion: string;
  /** Empty where the object cannot be used and never could. */
  readonly objects: readonly ParsedObject[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Name and version of an object, whatever else it says. */
export interface ObjectIdentity {
  /** `namespace/name` */
  readonly key: string;
  readonly resourceVersion: string;
}

/** `undefined` when it is no object: then the stream cannot be trusted. */
export function identityOf(value: unknown): ObjectIdentity | undefined {
  const metadata = fieldsOf(fieldsOf(value)?.['metadata']);
  const name = textOf(metadata?.['name']);
  const resourceVersion = textOf(metadata?.['resourceVersion']);
  if (name === undefined || resourceVersion === undefined) return undefined;
  return { key: `${textOf(metadata?.['namespace']) ?? ''}/${name}`, resourceVersion };
}

/** What an object means; its version moves with every heartbeat and status that means nothing here. */
type Meaning = Omit<StoredObject, 'resourceVersion'>;

/** The old parts themselves where the new ones are equal, so that nobody takes them for a change. */
function unchanged(before: Meaning | undefined, after: Meaning): Meaning {
  if (before === undefined) return after;
  const same = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);
  return {
    objects: same(before.objects, after.objects) ? before.objects : after.objects,
    diagnostics: same(before.diagnostics, after.diagnostics) ? before.diagnostics : after.diagnostics,
  };
}

const NO_DIAGNOSTICS: readonly Diagnostic[] = [];

/** All objects of one kind as the API server had them last. */
export class ObjectStore {
  readonly #resource: ResourceKind;
  readonly #onChange: () => void;
  #objects = new Map<string, StoredObject>();
  /** Labels that many Pods have alike, once. */
  #labels = new Map<string, Readonly<Record<string, string>>>();

  constructor(resource: ResourceKind, onChange: () => void) {
    this.#resource = resource;
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#objects.size;
  }

  parsed(): Iterable<StoredObject> {
    return this.#objects.values();
  }

  /** Takes over one event of a watch. */
  set(identity: ObjectIdentity, value: unknown, version: string): void {
    const before = this.#objects.get(identity.key);
    // After a reconnection events may come again.
    if (before?.resourceVersion === identity.resourceVersion) return;
    const after = this.#read(identity, value, version, before);
    this.#objects.set(identity.key, after);
    if (after.objects !== before?.objects || after.diagnostics !== before.diagnostics) this.#onChange();
  }

  delete(key: string): void {
    if (this.#objects.delete(key)) this.#onChange();
  }

  /**
   * A new list: what is added to it is not in force before `commit`, which takes all of it over in one step (mark and
   * sweep), so that nobody ever sees half of a list.
   */
  replacement(): Replacement {
    const next = new Map<string, StoredObject>();
    return {
      add: (identity, value, version) => {
        const before = this.#objects.get(identity.key);
        const same = before?.resourceVersion === identity.resourceVersion;
        next.set(identity.key, same ? before : this.#read(identity, value, version, before));
      },
      delete: (key) => void next.delete(key),
      commit: () => {
        const same =
          next.size === this.#objects.size && [...next].every(([key, object]) => this.#objects.get(key) === object);
        this.#objects = next;
        if (!same) this.#onChange();
      },
    };
  }

  #read(identity: ObjectIdentity, value: unknown, version: string, before: StoredObject | undefined): StoredObject {
    const { kind, plural, metadataOnly } = this.#resource;
    const { resourceVersion } = identity;
    if (metadataOnly) {
      return { resourceVersion, ...unchanged(before, { objects: this.#readPod(value), diagnostics: NO_DIAGNOSTICS }) };
    }
    const apiVersion = apiVersionOf(this.#resource, version);
    const read = parseObjects(
      [{ file: `${plural}/${identity.key}`, value: { ...fieldsOf(value), kind, apiVersion }, locate: () => undefined }],
      { defaultNamespace: 'default' },
    );
    // What is broken now keeps its last good version.
    const objects = read.broken.length > 0 ? (before?.objects ?? []) : read.objects;
    const diagnostics = read.diagnostics.length === 0 ? NO_DIAGNOSTICS : read.diagnostics;
    return { resourceVersion, ...unchanged(before, { objects, diagnostics }) };
  }

  /** Straight into the core's type: there may be 100,000 of them, each with the labels of its siblings. */
  #readPod(value: unknown): readonly ParsedObject[] {
    const metadata = fieldsOf(fieldsOf(value)?.['metadata']);
    const namespace = textOf(metadata?.['namespace']) ?? '';
    const name = textOf(metadata?.['name']) ?? '';
    const labels: Record<string, string> = {};
    for (const [label, text] of Object.entries(fieldsOf(metadata?.['labels']) ?? {})) {
      if (typeof text === 'string') labels[label] = text;
    }
    return [{ object: { kind: 'Pod', namespace, name, labels: this.#shared(labels) }, origin: POD_ORIGIN }];
  }

  #shared(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const key = JSON.stringify(labels);
    const known = this.#labels.get(key);
    if (known !== undefined) return known;
    // Labels of Pods long gone; the others find each other again.
    if (this.#labels.size > MOST_SHARED_LABELS) this.#labels = new Map();
    this.#labels.set(key, labels);
    return labels;
  }
}

const MOST_SHARED_LABELS = 50_000;
const POD_ORIGIN = { file: 'pods', document: 0 };

export interface Replacement {
  add(identity: ObjectIdentity, value: unknown, version: string): void;
  delete(key: string): void;
  commit(): void;
}
