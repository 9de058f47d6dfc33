import type { ParsedObject } from '@steelyard/core/config';
import { fieldsOf, textOf } from '../untrusted.ts';
import { isSameSelection, type LabelSelection, NO_RULES } from './label-selection.ts';
import type { ObjectIdentity, ObjectStore, Replacement } from './object-store.ts';

type Labels = Readonly<Record<string, string>>;

/** There may be 100,000 of these: nothing in them that is not needed, nothing twice. */
interface PodRecord {
  /** As a number where it is one, which needs no text. */
  readonly version: string | number;
  /** One object for all that have the same. */
  readonly labels: Labels;
  /** Of those labels that count; made when it is asked for. */
  parsed: ParsedObject | undefined;
}

/** By namespace, then name, so that neither stands anywhere twice. */
type Namespaces = Map<string, Map<string, PodRecord>>;

const NO_LABELS: Labels = {};
const POD_ORIGIN = { file: 'pods', document: 0 };

/** All Pods as the API server had them last. Only their labels are kept, and only those that count are passed on. */
export class PodStore implements ObjectStore {
  readonly #onChange: () => void;
  #namespaces: Namespaces = new Map();
  readonly #labels = new SharedLabels();
  #selection = NO_RULES;
  /** Those of the labels that count, by all. */
  #counting = new Map<Labels, Labels>();
  #list: readonly ParsedObject[] | undefined = [];

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get size(): number {
    return sizeOf(this.#namespaces);
  }

  /** The same array as long as nothing changes that counts. */
  parsed(selection: LabelSelection): readonly ParsedObject[] {
    if (!isSameSelection(selection, this.#selection)) {
      this.#selection = selection;
      this.#counting = new Map();
      this.#list = undefined;
    }
    this.#list ??= this.#listAll();
    return this.#list;
  }

  set(identity: ObjectIdentity, value: unknown): void {
    const before = this.#namespaces.get(identity.namespace)?.get(identity.name);
    const after = this.#read(identity, value, before);
    if (after === before) return;
    put(this.#namespaces, identity, after);
    this.#changed(before, after);
  }

  delete({ namespace, name }: ObjectIdentity): void {
    const pods = this.#namespaces.get(namespace);
    const before = pods?.get(name);
    if (before === undefined) return;
    pods?.delete(name);
    if (pods?.size === 0) this.#namespaces.delete(namespace);
    this.#changed(before, undefined);
  }

  replacement(): Replacement {
    const next: Namespaces = new Map();
    return {
      add: (identity, value) => {
        const before = this.#namespaces.get(identity.namespace)?.get(identity.name);
        put(next, identity, this.#read(identity, value, before));
      },
      delete: ({ namespace, name }) => void next.get(namespace)?.delete(name),
      commit: () => {
        this.#namespaces = next;
        this.#list = undefined;
        this.#onChange();
      },
    };
  }

  #read(identity: ObjectIdentity, value: unknown, before: PodRecord | undefined): PodRecord {
    const version = versionOf(identity);
    // After a reconnection events may come again.
    if (before?.version === version) return before;
    const labels = this.#labels.share(fieldsOf(fieldsOf(fieldsOf(value)?.['metadata'])?.['labels']) ?? {});
    return { version, labels, parsed: before?.labels === labels ? before.parsed : undefined };
  }

  #changed(before: PodRecord | undefined, after: PodRecord | undefined): void {
    const [was, is] = [before && this.#count(before.labels), after && this.#count(after.labels)];
    if (was === is) return;
    this.#list = undefined;
    this.#onChange();
  }

  /** The labels that count; `undefined`: the Pod does not. */
  #count(labels: Labels): Labels | undefined {
    let counting = this.#counting.get(labels);
    if (counting === undefined) {
      const { keys } = this.#selection;
      counting = this.#labels.share(Object.fromEntries(Object.entries(labels).filter(([key]) => keys.has(key))));
      this.#counting.set(labels, counting);
    }
    return counting === NO_LABELS && !this.#selection.everyPod ? undefined : counting;
  }

  #listAll(): readonly ParsedObject[] {
    const list: ParsedObject[] = [];
    for (const [namespace, pods] of this.#namespaces) {
      for (const [name, record] of pods) {
        const labels = this.#count(record.labels);
        if (labels === undefined) record.parsed = undefined;
        else {
          const known = record.parsed?.object;
          if (known?.kind !== 'Pod' || known.labels !== labels) {
            record.parsed = { object: { kind: 'Pod', namespace, name, labels }, origin: POD_ORIGIN };
          }
          if (record.parsed !== undefined) list.push(record.parsed);
        }
      }
    }
    return list;
  }
}

/** More different sets of labels than these are forgotten; those in use find each other again. */
const MOST_SHARED = 50_000;

/** Pods of one ReplicaSet have the same labels: they have them once. */
class SharedLabels {
  readonly #known = new Map<string, Labels>();

  share(fields: Readonly<Record<string, unknown>>): Labels {
    const labels: Record<string, string> = {};
    for (const [label, value] of Object.entries(fields)) {
      const text = textOf(value);
      if (text !== undefined) labels[label] = text;
    }
    if (Object.keys(labels).length === 0) return NO_LABELS;
    const key = JSON.stringify(labels);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= MOST_SHARED) this.#known.clear();
    this.#known.set(key, labels);
    return labels;
  }
}

function put(namespaces: Namespaces, { namespace, name }: ObjectIdentity, record: PodRecord): void {
  const pods = namespaces.get(namespace);
  if (pods === undefined) namespaces.set(namespace, new Map([[name, record]]));
  else pods.set(name, record);
}

function sizeOf(namespaces: Namespaces): number {
  let size = 0;
  for (const pods of namespaces.values()) size += pods.size;
  return size;
}

/** Versions are opaque and only compared; nearly all are numbers that a number holds exactly. */
function versionOf({ resourceVersion }: ObjectIdentity): string | number {
  return /^[1-9]\d{0,14}$/.test(resourceVersion) ? Number(resourceVersion) : resourceVersion;
}
