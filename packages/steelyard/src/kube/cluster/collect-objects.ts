import type { ParsedObject, ParsedObjects } from '@steelyard/core/config';
import type { Diagnostic, ObjectRef } from '@steelyard/core/model';
import { type LabelSelection, NO_RULES, selectLabels } from './label-selection.ts';
import { type ObjectStore, ParsedObjectStore } from './object-store.ts';
import { PodStore } from './pod-store.ts';

/** The same ones each time: who looks whether anything is new goes by identity. */
const NO_MANIFESTS: ParsedObjects = { objects: [], broken: [], diagnostics: [] };

/**
 * The API server's objects and those of manifests beside it as one set. A manifest's object stands in the place of the
 * API server's of the same kind, namespace and name: so a change can be tried before it is applied.
 *
 * What is returned is called for each Snapshot: a kind that did not change costs a copy of pointers.
 */
export function createCollector(
  stores: readonly ObjectStore[],
): (manifests: ParsedObjects | undefined) => ParsedObjects {
  const typed = stores.filter((store) => store instanceof ParsedObjectStore);
  const pods = stores.filter((store) => store instanceof PodStore);
  let rules: readonly (readonly ParsedObject[])[] = [];
  let selection: LabelSelection = NO_RULES;
  let lastDiagnostics: readonly (readonly Diagnostic[])[] = [];
  let diagnostics: readonly Diagnostic[] = [];
  return (manifests = NO_MANIFESTS) => {
    const written = manifests.objects;
    const lists = typed.map((store) => store.parsed);
    const newRules = [
      written,
      ...typed.filter((store) => store.kind === 'DestinationRule').map((store) => store.parsed),
    ];
    if (!areSame(rules, newRules)) {
      rules = newRules;
      selection = selectLabels(newRules.flat());
    }
    const newDiagnostics = [manifests.diagnostics, ...typed.map((store) => store.diagnostics)];
    if (!areSame(lastDiagnostics, newDiagnostics)) {
      lastDiagnostics = newDiagnostics;
      diagnostics = newDiagnostics.flat();
    }
    const { broken } = manifests;
    const all = [...lists, ...pods.map((store) => store.parsed(selection))];
    const local = new Set(written.map(({ object }) => keyOf(object)));
    for (const entry of broken) if (entry.ref !== undefined) local.add(keyOf(entry.ref));
    const others = local.size === 0 ? all : all.map((list) => list.filter(({ object }) => !local.has(keyOf(object))));
    const objects = written.concat(...others);
    return { objects, broken, diagnostics: local.size === 0 ? diagnostics : withoutReplaced(diagnostics, local) };
  };
}

/** What is said of an object of the API server that a manifest stands for is of no account. */
function withoutReplaced(diagnostics: readonly Diagnostic[], local: ReadonlySet<string>): readonly Diagnostic[] {
  return diagnostics.filter(({ object, position }) => {
    const isWritten = position?.line !== undefined;
    return isWritten || object === undefined || !local.has(keyOf(object));
  });
}

function areSame(before: readonly unknown[], after: readonly unknown[]): boolean {
  return before.length === after.length && before.every((value, index) => value === after[index]);
}

function keyOf({ kind, namespace, name }: ObjectRef): string {
  return `${kind}/${namespace}/${name}`;
}
