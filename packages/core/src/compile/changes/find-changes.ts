import type { ConfigObject, EndpointSlice, ParsedObject, ParsedObjects, Pod } from '../../config/index.ts';
import { isSame } from '../same.ts';

/** An object that came, went, or was replaced by another version of itself. */
export interface ObjectChange<T> {
  readonly before?: T;
  readonly after?: T;
}

export interface EndpointChanges {
  readonly slices: readonly ObjectChange<EndpointSlice>[];
  readonly pods: readonly ObjectChange<Pod>[];
}

/** More than this is compiled as a whole. */
const MOST_CHANGES = 64;

/**
 * The differences, when they are nothing but EndpointSlices and Pods: what a running cluster does all the time. It takes a
 * source that keeps the parsed objects which did not change (`===`), in their order. `undefined`: something else changed
 * too.
 */
export function findChanges(before: ParsedObjects, after: ParsedObjects): EndpointChanges | undefined {
  if (!isEqual(before.broken, after.broken) || !isEqual(before.diagnostics, after.diagnostics)) return undefined;
  const [left, right] = differingPart(before.objects, after.objects);
  const kept = new Set(right);
  const changes = new Map<string, ObjectChange<ConfigObject>>();
  for (const entry of left) {
    if (!kept.delete(entry)) changes.set(keyOf(entry.object), { before: entry.object });
    if (changes.size > MOST_CHANGES) return undefined;
  }
  for (const { object } of kept) {
    const key = keyOf(object);
    changes.set(key, { ...changes.get(key), after: object });
    if (changes.size > MOST_CHANGES) return undefined;
  }
  return sortOut(changes.values());
}

function isEqual(before: unknown, after: unknown): boolean {
  return before === after || isSame(before, after);
}

/** What is left when equal beginnings and ends are cut off: of many objects nearly all are the same. */
function differingPart(
  before: readonly ParsedObject[],
  after: readonly ParsedObject[],
): readonly [readonly ParsedObject[], readonly ParsedObject[]] {
  let begin = 0;
  const shorter = Math.min(before.length, after.length);
  while (begin < shorter && before[begin] === after[begin]) begin++;
  let end = 0;
  while (end < shorter - begin && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  return [before.slice(begin, before.length - end), after.slice(begin, after.length - end)];
}

function keyOf({ kind, namespace, name }: ConfigObject): string {
  return `${kind}/${namespace}/${name}`;
}

function sortOut(changes: Iterable<ObjectChange<ConfigObject>>): EndpointChanges | undefined {
  const slices: ObjectChange<EndpointSlice>[] = [];
  const pods: ObjectChange<Pod>[] = [];
  for (const { before, after } of changes) {
    const kind = (before ?? after)?.kind;
    // Much of Pods and Nodes is of no account, and it changes often.
    if (kind !== 'EndpointSlice' && isSame({ ...before, position: 0 }, { ...after, position: 0 })) continue;
    if (kind === 'EndpointSlice') {
      slices.push({
        ...(before?.kind === 'EndpointSlice' && { before }),
        ...(after?.kind === 'EndpointSlice' && { after }),
      });
    } else if (kind === 'Pod') {
      pods.push({ ...(before?.kind === 'Pod' && { before }), ...(after?.kind === 'Pod' && { after }) });
    } else return undefined;
  }
  return { slices, pods };
}
