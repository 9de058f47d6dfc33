import type { ParsedObject } from '../config/index.ts';
import {
  type ConsideredRules,
  type Diagnostic,
  type Service,
  type ServiceEntry,
  type Snapshot,
} from '../model/index.ts';
import type { ClientIdentity } from './client-identity.ts';
import { compileClusters } from './clusters/compile-clusters.ts';
import { CompileReport } from './compile-report.ts';
import { compileServices } from './clusters/compile-services.ts';
import { compileVirtualHosts } from './routes/compile-virtual-hosts.ts';
import { isVisible } from './export-to.ts';
import { serviceHost } from './host-names.ts';
import { type ObjectsByKind, sortByKind } from './objects-by-kind.ts';
import { reuseEntries, reuseServiceEntry } from './changes/reuse.ts';
import { isSame } from './same.ts';
import {
  createDestinationRuleLookup,
  type DestinationRuleLookup,
} from './destination-rules/select-destination-rule.ts';
import { type LiveEndpoints, trackEndpoints } from './changes/slice-changes.ts';
import { createVirtualServiceLookup } from './routes/select-virtual-service.ts';

export interface Scope extends ClientIdentity {
  readonly clusterDomain: string;
  readonly rootNamespace: string;
}

/** A Snapshot with what it was made of, so that a part of it can be made again. */
export interface Compiled {
  readonly snapshot: Snapshot;
  readonly byKind: ObjectsByKind;
  readonly rules: DestinationRuleLookup;
  /** With the place of the callers' Node. */
  readonly scope: Scope;
  readonly live: LiveEndpoints;
}

/** All of it, from all objects in force. What says the same as before keeps its identity. */
export function compileSnapshot(
  objects: ReadonlyMap<string, ParsedObject>,
  given: Scope,
  parseDiagnostics: readonly Diagnostic[],
  previous: Snapshot | undefined,
): Compiled {
  const { clusterDomain } = given;
  const report = new CompileReport();
  const byKind = sortByKind([...objects.values()].map((entry) => entry.object));
  const scope = locate(given, byKind);
  const services = reuseEntries(previous?.services, compileServices(byKind, report), reuseServiceEntry);
  const seen = [...services.values()].filter(({ service }) => isVisible(service, scope));
  const byHost = new Map(seen.map((entry) => [hostOf(entry.service, clusterDomain), entry]));
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
  const considered = reuseEntries(previous?.consideredRules, considerRules(byHost, rules));
  const snapshot = {
    version: (previous?.version ?? 0) + 1,
    clusterDomain,
    services,
    nodes: reuseEntries(previous?.nodes, byKind.nodes),
    ...(byKind.serviceCidrs.length > 0 && { serviceCidrs: byKind.serviceCidrs }),
    virtualHosts: reuseEntries(previous?.virtualHosts, virtualHosts),
    clusters: reuseEntries(previous?.clusters, clusters),
    ...(considered.size > 0 && { consideredRules: considered }),
    diagnostics: [...parseDiagnostics, ...report.diagnostics],
  };
  return { snapshot, byKind, rules, scope, live: trackEndpoints(byKind.slices, byKind.pods) };
}

function considerRules(
  byHost: ReadonlyMap<string, ServiceEntry>,
  rules: DestinationRuleLookup,
): ReadonlyMap<string, ConsideredRules> {
  const considered = new Map<string, ConsideredRules>();
  for (const [host, { service }] of byHost) {
    const told = rules.consider(host, service.namespace);
    if (told !== undefined) considered.set(host, told);
  }
  return considered;
}

/** The callers are where their Node is, unless their place is given. */
function locate(scope: Scope, { nodes }: ObjectsByKind): Scope {
  const node = scope.clientNode === undefined ? undefined : nodes.get(scope.clientNode);
  if (scope.clientLocality !== undefined || node === undefined) return scope;
  const { region = '', zone = '', subzone = '' } = node;
  return region === '' && zone === '' ? scope : { ...scope, clientLocality: { region, zone, subzone } };
}

/** The earlier Snapshot itself, when the next one says nothing else. */
export function keepUnchanged(before: Compiled | undefined, next: Compiled): Compiled {
  const [earlier, later] = [before?.snapshot, next.snapshot];
  const unchanged =
    earlier !== undefined &&
    later.services === earlier.services &&
    later.nodes === earlier.nodes &&
    isSame(later.serviceCidrs, earlier.serviceCidrs) &&
    later.virtualHosts === earlier.virtualHosts &&
    later.clusters === earlier.clusters &&
    later.consideredRules === earlier.consideredRules &&
    isSame(later.diagnostics, earlier.diagnostics);
  return unchanged ? { ...next, snapshot: earlier } : next;
}

function hostOf(service: Service, clusterDomain: string): string {
  return serviceHost(service.namespace, service.name, clusterDomain);
}
