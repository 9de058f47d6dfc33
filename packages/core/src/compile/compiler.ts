import type { ParsedObject, ParsedObjects } from '../config/index.ts';
import type { Service, Snapshot } from '../model/index.ts';
import type { ClientIdentity, ClientLocality } from './client-identity.ts';
import { compileClusters } from './compile-clusters.ts';
import { CompileReport } from './compile-report.ts';
import { compileServices } from './compile-services.ts';
import { compileVirtualHosts } from './compile-virtual-hosts.ts';
import { serviceHost } from './host-names.ts';
import { keepLastGood } from './last-good.ts';
import { sortByKind } from './objects-by-kind.ts';
import { reuseEntries, reuseServiceEntry } from './reuse.ts';
import { isSame } from './same.ts';
import { createDestinationRuleLookup } from './select-destination-rule.ts';
import { createVirtualServiceLookup } from './select-virtual-service.ts';

export interface CompilerOptions {
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
  /**
   * Namespace of the callers, which decides `exportTo` and where DestinationRules are looked up first. A Snapshot is
   * what callers of this one namespace see. Default `default`.
   */
  readonly clientNamespace?: string;
  /** Labels of the calling workload, which `sourceLabels`, `workloadSelector` and `failoverPriority` go by. */
  readonly clientLabels?: Readonly<Record<string, string>>;
  /** Where the callers are. Without it no endpoint is near or far. */
  readonly clientLocality?: ClientLocality;
  /** What the callers' proxy serves: `mesh` (the default) or gateways, as `namespace/name`. */
  readonly gateways?: readonly string[];
  /** Where mesh-wide DestinationRules stand. Default `istio-system`. */
  readonly rootNamespace?: string;
}

/** Turns all objects there are into Snapshots, one after the other. */
export interface Compiler {
  /**
   * `parsed` is everything, not a difference. Broken objects keep their last good version (see `keepLastGood`). Returns
   * the previous Snapshot itself when nothing changed; otherwise what did not change keeps its identity.
   */
  compile(parsed: ParsedObjects): Snapshot;
}

export function createCompiler(options: CompilerOptions = {}): Compiler {
  const clusterDomain = (options.clusterDomain ?? 'cluster.local').toLowerCase();
  const { clientLocality } = options;
  const scope: Scope = {
    clusterDomain,
    rootNamespace: options.rootNamespace ?? 'istio-system',
    clientNamespace: options.clientNamespace ?? 'default',
    clientLabels: options.clientLabels ?? {},
    gateways: options.gateways ?? ['mesh'],
    ...(clientLocality !== undefined && { clientLocality }),
  };
  let objects: ReadonlyMap<string, ParsedObject> = new Map();
  let previous: Snapshot | undefined;
  return {
    compile(parsed) {
      objects = keepLastGood(objects, parsed);
      const next = compileSnapshot(objects, scope, previous);
      const diagnostics = [...parsed.diagnostics, ...next.diagnostics];
      if (
        previous !== undefined &&
        next.services === previous.services &&
        next.nodes === previous.nodes &&
        next.virtualHosts === previous.virtualHosts &&
        next.clusters === previous.clusters &&
        isSame(diagnostics, previous.diagnostics)
      ) {
        return previous;
      }
      previous = { ...next, diagnostics, version: (previous?.version ?? 0) + 1 };
      return previous;
    },
  };
}

interface Scope extends ClientIdentity {
  readonly clusterDomain: string;
  readonly rootNamespace: string;
}

function compileSnapshot(
  objects: ReadonlyMap<string, ParsedObject>,
  scope: Scope,
  previous: Snapshot | undefined,
): Omit<Snapshot, 'version'> {
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
  return {
    clusterDomain,
    services,
    nodes: reuseEntries(previous?.nodes, byKind.nodes),
    virtualHosts: reuseEntries(previous?.virtualHosts, virtualHosts),
    clusters: reuseEntries(previous?.clusters, clusters),
    diagnostics: report.diagnostics,
  };
}

function hostOf(service: Service, clusterDomain: string): string {
  return serviceHost(service.namespace, service.name, clusterDomain);
}
