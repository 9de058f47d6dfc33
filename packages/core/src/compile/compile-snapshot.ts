import type { EndpointSlice, ParsedObject } from '../config/index.ts';
import { type Diagnostic, type Service, serviceKey, type Snapshot } from '../model/index.ts';
import type { ClientIdentity } from './client-identity.ts';
import { compileClusters } from './compile-clusters.ts';
import { CompileReport } from './compile-report.ts';
import { compileServices } from './compile-services.ts';
import { compileVirtualHosts } from './compile-virtual-hosts.ts';
import { serviceHost } from './host-names.ts';
import { type ObjectsByKind, sortByKind } from './objects-by-kind.ts';
import { reuseEntries, reuseServiceEntry } from './reuse.ts';
import { isSame } from './same.ts';
import { createDestinationRuleLookup, type DestinationRuleLookup } from './select-destination-rule.ts';
import { createVirtualServiceLookup } from './select-virtual-service.ts';

export interface Scope extends ClientIdentity {
  readonly clusterDomain: string;
  readonly rootNamespace: string;
}

/** A Snapshot with what it was made of, so that a part of it can be made again. */
export interface Compiled {
  readonly snapshot: Snapshot;
  readonly byKind: ObjectsByKind;
  readonly rules: DestinationRuleLookup;
  /** By `namespace/name` of their Service. */
  readonly slices: ReadonlyMap<string, readonly EndpointSlice[]>;
}

/** All of it, from all objects in force. What says the same as before keeps its identity. */
export function compileSnapshot(
  objects: ReadonlyMap<string, ParsedObject>,
  scope: Scope,
  parseDiagnostics: readonly Diagnostic[],
  previous: Snapshot | undefined,
): Compiled {
  const { clusterDomain } = scope;
  const report = new CompileReport();
  const byKind = sortByKind([...objects.values()].map((entry) => entry.object));
  const services = reuseEntries(previous?.services, compileServices(byKind, report), reuseServiceEntry);
  const byHost = new Map([...services.values()].map((entry) => [hostOf(entry.service, clusterDomain), entry]));
  const hosts = new Set(byHost.keys());
  const rules = createDestinationRuleLookup(byKind.destinationRules, hosts, scope, report);
  const clusters = compileClusters(services, clusterDomain, scope, rules, report);
  const lookup = createVirtualServiceLookup(byKind.virtualServices, hosts, scope, report);
  const virtualHosts = compileVirtualHosts(services, byKind.virtualServices, lookup, {
    clusterDomain,
    identity: scope,
    byHost,
    clusters,
    report,
  });
  const snapshot = {
    version: (previous?.version ?? 0) + 1,
    clusterDomain,
    services,
    nodes: reuseEntries(previous?.nodes, byKind.nodes),
    virtualHosts: reuseEntries(previous?.virtualHosts, virtualHosts),
    clusters: reuseEntries(previous?.clusters, clusters),
    diagnostics: [...parseDiagnostics, ...report.diagnostics],
  };
  return { snapshot, byKind, rules, slices: groupSlices(byKind.slices) };
}

/** The earlier Snapshot itself, when the next one says nothing else. */
export function keepUnchanged(before: Compiled | undefined, next: Compiled): Compiled {
  const [earlier, later] = [before?.snapshot, next.snapshot];
  const unchanged =
    earlier !== undefined &&
    later.services === earlier.services &&
    later.nodes === earlier.nodes &&
    later.virtualHosts === earlier.virtualHosts &&
    later.clusters === earlier.clusters &&
    isSame(later.diagnostics, earlier.diagnostics);
  return unchanged ? { ...next, snapshot: earlier } : next;
}

function groupSlices(slices: readonly EndpointSlice[]): ReadonlyMap<string, readonly EndpointSlice[]> {
  const groups = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    if (slice.serviceName === undefined) continue;
    const key = serviceKey(slice.namespace, slice.serviceName);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [slice]);
    else group.push(slice);
  }
  return groups;
}

function hostOf(service: Service, clusterDomain: string): string {
  return serviceHost(service.namespace, service.name, clusterDomain);
}
