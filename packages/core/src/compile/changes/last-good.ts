import type { BrokenObject, ParsedObject, ParsedObjects } from '../../config/index.ts';
import { type ObjectRef, serviceKey } from '../../model/index.ts';

function objectKey(ref: ObjectRef): string {
  return `${ref.kind}/${serviceKey(ref.namespace, ref.name)}`;
}

/**
 * The objects in force: the new ones, and for what is broken now the last good version. A broken object is known by
 * kind, namespace and name; where those are unreadable, by its place: what stood in the same document of the same file
 * (the same item of the same List) before stays, and behind the last document of a file all that followed there. An object
 * that is good elsewhere in the new set is that new one.
 */
export function keepLastGood(
  previous: ReadonlyMap<string, ParsedObject>,
  parsed: ParsedObjects,
): ReadonlyMap<string, ParsedObject> {
  const next = new Map<string, ParsedObject>();
  for (const entry of parsed.objects) next.set(objectKey(entry.object), entry);
  if (parsed.broken.length === 0) return next;
  for (const [key, entry] of previous) {
    if (!next.has(key) && parsed.broken.some((broken) => isOf(broken, key, entry))) next.set(key, entry);
  }
  return next;
}

function isOf(broken: BrokenObject, key: string, { origin }: ParsedObject): boolean {
  if (broken.ref !== undefined) return objectKey(broken.ref) === key;
  if (broken.file !== origin.file) return false;
  if (broken.document === undefined) return true;
  if (broken.isEnd === true && origin.document > broken.document) return true;
  return broken.document === origin.document && (broken.item === undefined || broken.item === origin.item);
}
