import type { BrokenObject, ParsedObject, ParsedObjects } from '@steelyard/core/config';
import type { Diagnostic } from '@steelyard/core/model';
import type { ObjectStore } from './object-store.ts';

/**
 * The API server's objects and those of manifests beside it as one set. A manifest's object stands in the place of the
 * API server's of the same kind, namespace and name: so a change can be tried before it is applied.
 */
export function collectObjects(stores: Iterable<ObjectStore>, manifests: ParsedObjects | undefined): ParsedObjects {
  const objects: ParsedObject[] = [...(manifests?.objects ?? [])];
  const broken: readonly BrokenObject[] = manifests?.broken ?? [];
  const diagnostics: Diagnostic[] = [...(manifests?.diagnostics ?? [])];
  const local = new Set(objects.map(keyOf));
  for (const entry of broken) if (entry.ref !== undefined) local.add(JSON.stringify(entry.ref));
  for (const store of stores) {
    for (const stored of store.parsed()) {
      const [first] = stored.objects;
      if (local.size > 0 && first !== undefined && local.has(keyOf(first))) continue;
      for (const object of stored.objects) objects.push(object);
      for (const diagnostic of stored.diagnostics) diagnostics.push(diagnostic);
    }
  }
  return { objects, broken, diagnostics };
}

function keyOf({ object: { kind, namespace, name } }: ParsedObject): string {
  return JSON.stringify({ kind, namespace, name });
}
