import type { HostPattern, VirtualService } from '../config/index.ts';
import { type ClientIdentity, servesGateway } from './client-identity.ts';
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
  scope: ClientIdentity & { readonly clusterDomain: string },
  report: CompileReport,
): VirtualServiceLookup {
  const { clusterDomain } = scope;
  const claims = new Map<string, ClaimedHost>();
  for (const virtualService of visibleOnes(virtualServices, clusterDomain, scope, report)) {
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
  clusterDomain: string,
  identity: ClientIdentity,
  report: CompileReport,
): readonly VirtualService[] {
  const { clientNamespace } = identity;
  const rankOf = (one: VirtualService): number => exportRank(one.exportTo, one.namespace, clientNamespace);
  return virtualServices
    .filter((one) => {
      // Without hosts it is for others to delegate to, without an HTTP part default routes hold.
      if (one.hosts.length === 0 || one.http === undefined) return false;
      if (!servesAny(one, identity)) {
        const place = { path: 'spec.gateways', ...(one.position !== undefined && { position: one.position }) };
        const message = `${whyNotServed(one, identity)} It is for ${hostsOf(one, clusterDomain)}.`;
        report.add('not-in-mesh', one, message, place);
        return false;
      }
      if (isExportedTo(one.exportTo, one.namespace, clientNamespace)) return true;
      const message = `exportTo leaves out namespace ${clientNamespace}, whose calls are routed here; it does not apply to ${hostsOf(one, clusterDomain)}.`;
      report.add('not-exported', one, message);
      return false;
    })
    .toSorted((a, b) => rankOf(a) - rankOf(b));
}

function hostsOf({ hosts, namespace }: VirtualService, clusterDomain: string): string {
  return hosts.map(({ host }) => resolveHost(host, namespace, clusterDomain)).join(', ');
}

/** A match may name gateways of its own, which then count instead of the object's. */
function servesAny(one: VirtualService, identity: ClientIdentity): boolean {
  if (servesGateway(one.gateways, one.namespace, identity)) return true;
  const matches = (one.http ?? []).flatMap((rule) => rule.matches);
  return matches.some((match) => match.gateways.length > 0 && servesGateway(match.gateways, one.namespace, identity));
}

function whyNotServed(one: VirtualService, { gateways }: ClientIdentity): string {
  if (gateways.includes('mesh')) {
    return 'gateways does not list mesh, so this does not apply to calls inside the cluster; add mesh if it should.';
  }
  return `gateways lists none of ${gateways.join(', ')}, which is what is served here; ${one.name} does not apply.`;
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
