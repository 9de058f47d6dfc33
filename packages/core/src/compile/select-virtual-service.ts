import type { HostPattern, VirtualService } from '../config/index.ts';
import type { CompileReport } from './compile-report.ts';
import { exportRank, isExportedTo } from './export-to.ts';
import { expandedHost, matchesAny, matchHost, resolveHost } from './host-names.ts';

export type VirtualServiceLookup = (host: string) => VirtualService | undefined;

interface ClaimedHost {
  /** Resolved: a full name or a wildcard. */
  readonly host: string;
  readonly virtualService: VirtualService;
}

/**
 * One VirtualService per host. An exact host beats a wildcard, the longest wildcard the others; of two with the same
 * host the first in Istio's order wins, sidecars do not merge them (istio.md §1.3, IST0109).
 */
export function createVirtualServiceLookup(
  virtualServices: readonly VirtualService[],
  hosts: ReadonlySet<string>,
  scope: { readonly clusterDomain: string; readonly clientNamespace: string },
  report: CompileReport,
): VirtualServiceLookup {
  const { clusterDomain, clientNamespace } = scope;
  const claims = new Map<string, ClaimedHost>();
  for (const virtualService of visibleOnes(virtualServices, clientNamespace, report)) {
    for (const pattern of virtualService.hosts) {
      const host = resolveHost(pattern.host, virtualService.namespace, clusterDomain);
      const holder = claims.get(host)?.virtualService;
      if (holder !== undefined && holder !== virtualService) {
        const message = `Host ${host} belongs to VirtualService ${holder.namespace}/${holder.name}, which takes precedence; this one is not used for it.`;
        report.add('virtual-service-conflict', virtualService, message, pattern.place);
        continue;
      }
      claims.set(host, { host, virtualService });
      reportUnknownHost(virtualService, pattern, host, hosts, clusterDomain, report);
    }
  }
  const wildcards = [...claims.values()].filter((claim) => claim.host.startsWith('*'));
  return (host) => {
    let best = claims.get(host)?.virtualService;
    if (best !== undefined) return best;
    let bestFit = 0;
    for (const claim of wildcards) {
      const fit = matchHost(claim.host, host);
      if (fit > bestFit) {
        best = claim.virtualService;
        bestFit = fit;
      }
    }
    return best;
  };
}

function visibleOnes(
  virtualServices: readonly VirtualService[],
  clientNamespace: string,
  report: CompileReport,
): readonly VirtualService[] {
  const rankOf = (one: VirtualService): number => exportRank(one.exportTo, one.namespace, clientNamespace);
  return virtualServices
    .filter((one) => {
      // What is for gateways only has been reported as it was read; without an HTTP part default routes hold.
      if (!one.gateways.includes('mesh') || one.http === undefined) return false;
      if (isExportedTo(one.exportTo, one.namespace, clientNamespace)) return true;
      const message = `exportTo leaves out namespace ${clientNamespace}, whose calls are routed here; it does not apply.`;
      report.add('not-exported', one, message);
      return false;
    })
    .toSorted((a, b) => rankOf(a) - rankOf(b));
}

function reportUnknownHost(
  virtualService: VirtualService,
  pattern: HostPattern,
  resolved: string,
  hosts: ReadonlySet<string>,
  clusterDomain: string,
  report: CompileReport,
): void {
  if (matchesAny(resolved, hosts)) return;
  const meant = expandedHost(pattern.host, clusterDomain);
  if (meant !== undefined && hosts.has(meant)) {
    const message = `Host ${pattern.host} is not expanded, as it has a dot; write ${meant}.`;
    report.add('host-not-expanded', virtualService, message, pattern.place);
  } else {
    const message = `Host ${resolved} is no known Service, so this entry has no effect.`;
    report.add('host-unknown', virtualService, message, pattern.place);
  }
}
