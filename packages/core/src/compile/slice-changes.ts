import type { EndpointSlice, ParsedObject, ParsedObjects } from '../config/index.ts';
import { type Cluster, type Diagnostic, type ServiceEntry, serviceKey } from '../model/index.ts';
import { compileClusters } from './compile-clusters.ts';
import { CompileReport } from './compile-report.ts';
import type { Compiled, Scope } from './compile-snapshot.ts';
import { compileServices } from './compile-services.ts';
import { reuseEntries, reuseServiceEntry } from './reuse.ts';
import { isSame } from './same.ts';

/** An EndpointSlice that was replaced by another version of itself. */
interface SliceChange {
  readonly before: EndpointSlice;
  readonly after: ParsedObject & { readonly object: EndpointSlice };
}

/** More than this is compiled as a whole. */
const MOST_CHANGES = 64;

/**
 * The differences, when they are nothing but EndpointSlices and Pods that changed in their place: what a running cluster
 * does all the time. It takes a source that keeps the parsed objects which did not change (`===`), in their order.
 * `undefined`: something else changed too.
 */
export function findSliceChanges(before: ParsedObjects, after: ParsedObjects): readonly SliceChange[] | undefined {
  if (before.objects.length !== after.objects.length || before.broken.length + after.broken.length > 0)
    return undefined;
  if (before.diagnostics !== after.diagnostics && !isSame(before.diagnostics, after.diagnostics)) return undefined;
  const changes: SliceChange[] = [];
  for (const [index, entry] of after.objects.entries()) {
    const earlier = before.objects[index];
    if (earlier === entry) continue;
    if (earlier === undefined || changes.length >= MOST_CHANGES) return undefined;
    const [old, object] = [earlier.object, entry.object];
    if (old.kind === 'Pod' && object.kind === 'Pod') {
      // All else of a Pod is of no account, and it changes often.
      if (isSame({ ...old, position: 0 }, { ...object, position: 0 })) continue;
      return undefined;
    }
    if (old.kind !== 'EndpointSlice' || object.kind !== 'EndpointSlice') return undefined;
    if (old.namespace !== object.namespace || old.name !== object.name) return undefined;
    if (old.serviceName !== object.serviceName) return undefined;
    changes.push({ before: old, after: { ...entry, object } });
  }
  return changes;
}

/**
 * The Snapshot after such changes: only the Services concerned and their clusters are made again. `undefined` when a
 * finding comes or goes with the change, so that findings always stand in the order of a whole compilation.
 */
export function applySliceChanges(last: Compiled, changes: readonly SliceChange[], scope: Scope): Compiled | undefined {
  if (changes.length === 0) return last;
  const { snapshot } = last;
  const services = new Map(snapshot.services);
  const clusters = new Map(snapshot.clusters);
  const slices = new Map(last.slices);
  const concerned = new Set<string>();
  for (const { before, after } of changes) {
    const key = serviceKey(before.namespace, before.serviceName ?? '');
    if (before.serviceName === undefined || !services.has(key)) return undefined;
    concerned.add(key);
    slices.set(
      key,
      (slices.get(key) ?? []).map((slice) => (slice === before ? after.object : slice)),
    );
  }
  let changed = false;
  for (const key of concerned) {
    const old = snapshot.services.get(key);
    if (old === undefined) return undefined;
    const was = compileOne(last, key, old, last.slices.get(key) ?? [], scope);
    const is = compileOne(last, key, old, slices.get(key) ?? [], scope);
    if (!isSame(was.diagnostics, is.diagnostics)) return undefined;
    if (is.entry !== old) changed = true;
    services.set(key, is.entry);
    for (const [name, cluster] of reuseEntries(was.clusters, is.clusters)) {
      const earlier = snapshot.clusters.get(name);
      clusters.set(name, earlier !== undefined && isSame(earlier, cluster) ? earlier : cluster);
    }
  }
  const next = { ...last, slices };
  if (!changed) return next;
  return { ...next, snapshot: { ...snapshot, services, clusters, version: snapshot.version + 1 } };
}

interface CompiledService {
  readonly entry: ServiceEntry;
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly diagnostics: readonly Diagnostic[];
}

function compileOne(
  { byKind, rules }: Compiled,
  key: string,
  old: ServiceEntry,
  slices: readonly EndpointSlice[],
  scope: Scope,
): CompiledService {
  const report = new CompileReport();
  const service = byKind.services.get(key) ?? old.service;
  const compiled = compileServices({ ...byKind, services: new Map([[key, service]]), slices }, report).get(key) ?? old;
  const entry = reuseServiceEntry(old, compiled);
  const clusters = compileClusters(new Map([[key, entry]]), scope.clusterDomain, scope, rules, report);
  return { entry, clusters, diagnostics: report.diagnostics };
}
