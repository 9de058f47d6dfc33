import type { EndpointSlice, Pod } from '../../config/index.ts';
import { type Cluster, type Diagnostic, type ServiceEntry, serviceKey } from '../../model/index.ts';
import { compileClusters } from '../clusters/compile-clusters.ts';
import { CompileReport } from '../compile-report.ts';
import { compileServices } from '../clusters/compile-services.ts';
import type { Compiled } from '../compile-snapshot.ts';
import type { EndpointChanges } from './find-changes.ts';
import { reuseEntries, reuseServiceEntry } from './reuse.ts';
import { isSame } from '../same.ts';

/** The slices and Pods in force, kept up to date from change to change: copies of thousands would cost more than the change. */
export interface LiveEndpoints {
  /** By `namespace/name` of their Service. */
  readonly slices: Map<string, readonly EndpointSlice[]>;
  /** By `namespace/name`. */
  readonly pods: Map<string, Pod>;
  /** The Services whose slices name a Pod, by its `namespace/name`. */
  readonly servicesOf: Map<string, Set<string>>;
}

export function trackEndpoints(slices: readonly EndpointSlice[], pods: ReadonlyMap<string, Pod>): LiveEndpoints {
  const live: LiveEndpoints = { slices: new Map(), pods: new Map(pods), servicesOf: new Map() };
  for (const slice of slices) {
    const key = ownerOf(slice);
    if (key === undefined) continue;
    live.slices.set(key, [...(live.slices.get(key) ?? []), slice]);
    trackPods(slice, key, live);
  }
  return live;
}

function ownerOf({ namespace, serviceName }: EndpointSlice): string | undefined {
  return serviceName === undefined ? undefined : serviceKey(namespace, serviceName);
}

/** What a slice no longer names stays here until all is compiled anew: it costs a look, and no error. */
function trackPods({ namespace, endpoints }: EndpointSlice, key: string, { servicesOf }: LiveEndpoints): void {
  for (const { podName } of endpoints) {
    if (podName === undefined) continue;
    const pod = serviceKey(namespace, podName);
    const known = servicesOf.get(pod);
    if (known === undefined) servicesOf.set(pod, new Set([key]));
    else known.add(key);
  }
}

/**
 * The Snapshot after such changes: only the Services concerned and their clusters are made again. `undefined` when a
 * finding comes or goes with the change, so that findings always stand in the order of a whole compilation; what `last`
 * was made of is of no use then.
 */
export function applyChanges(last: Compiled, changes: EndpointChanges): Compiled | undefined {
  const { snapshot, live } = last;
  const concerned = findConcerned(last, changes);
  if (concerned === undefined) return undefined;
  const before = new Map<string, CompiledService>();
  for (const key of concerned) {
    const old = snapshot.services.get(key);
    if (old === undefined) return undefined;
    before.set(key, compileOne(last, key, old));
  }
  update(live, changes);
  const services = new Map(snapshot.services);
  const clusters = new Map(snapshot.clusters);
  let changed = false;
  for (const [key, was] of before) {
    const old = snapshot.services.get(key);
    if (old === undefined) return undefined;
    const is = compileOne(last, key, old);
    if (!isSame(was.diagnostics, is.diagnostics)) return undefined;
    if (is.entry !== old) changed = true;
    services.set(key, is.entry);
    for (const [name, cluster] of reuseEntries(was.clusters, is.clusters)) {
      const earlier = snapshot.clusters.get(name);
      clusters.set(name, earlier !== undefined && isSame(earlier, cluster) ? earlier : cluster);
    }
  }
  if (!changed) return last;
  return { ...last, snapshot: { ...snapshot, services, clusters, version: snapshot.version + 1 } };
}

/** The Services that a change may reach; `undefined` when a slice is of none, which is a finding. */
function findConcerned(
  { snapshot, live }: Compiled,
  { slices, pods }: EndpointChanges,
): ReadonlySet<string> | undefined {
  const concerned = new Set<string>();
  for (const { before, after } of slices) {
    for (const slice of [before, after]) {
      if (slice === undefined) continue;
      const key = ownerOf(slice);
      if (key === undefined || !snapshot.services.has(key)) return undefined;
      concerned.add(key);
    }
  }
  for (const { before, after } of pods) {
    const pod = before ?? after;
    if (pod === undefined) continue;
    for (const key of live.servicesOf.get(serviceKey(pod.namespace, pod.name)) ?? []) {
      if (snapshot.services.has(key)) concerned.add(key);
    }
  }
  return concerned;
}

function update(live: LiveEndpoints, { slices, pods }: EndpointChanges): void {
  for (const { before, after } of slices) {
    const [from, to] = [before && ownerOf(before), after && ownerOf(after)];
    if (from !== undefined) {
      live.slices.set(
        from,
        (live.slices.get(from) ?? []).filter((slice) => slice !== before),
      );
    }
    if (after !== undefined && to !== undefined) {
      live.slices.set(to, [...(live.slices.get(to) ?? []), after]);
      trackPods(after, to, live);
    }
  }
  for (const { before, after } of pods) {
    if (after !== undefined) live.pods.set(serviceKey(after.namespace, after.name), after);
    else if (before !== undefined) live.pods.delete(serviceKey(before.namespace, before.name));
  }
}

interface CompiledService {
  readonly entry: ServiceEntry;
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly diagnostics: readonly Diagnostic[];
}

function compileOne({ byKind, live, rules, scope }: Compiled, key: string, old: ServiceEntry): CompiledService {
  const report = new CompileReport();
  const objects = {
    ...byKind,
    services: new Map([[key, byKind.services.get(key) ?? old.service]]),
    slices: live.slices.get(key) ?? [],
    pods: live.pods,
  };
  const entry = reuseServiceEntry(old, compileServices(objects, report).get(key) ?? old);
  const clusters = compileClusters(new Map([[key, entry]]), scope.clusterDomain, scope, rules, report);
  return { entry, clusters, diagnostics: report.diagnostics };
}
