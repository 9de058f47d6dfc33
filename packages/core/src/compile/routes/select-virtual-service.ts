import type { HostPattern, VirtualService } from '../../config/index.ts';
import { type ClientIdentity, servesGateway } from '../client-identity.ts';
import type { CompileReport } from '../compile-report.ts';
import { exportRank, isExportedTo } from '../export-to.ts';
import { expandedHost, resolveHost } from '../host-names.ts';
import { reportConflict } from './report-conflicts.ts';

/** A host that VirtualServices speak of: a full name or a wildcard. */
export interface ClaimedHost {
  readonly host: string;
  /** In Istio's order, never empty. */
  readonly virtualServices: readonly [VirtualService, ...VirtualService[]];
}

export interface VirtualServiceLookup {
  /** What may decide about a host; empty when nothing does. */
  find(host: string): readonly VirtualService[];
  readonly claims: readonly ClaimedHost[];
  /**
   * Of several for a host the rules of all are joined, as gateways do (`mergeAllVirtualHosts`); else the first that has a
   * rule for the port and the callers decides alone (pilot/pkg/networking/core/route, `BuildSidecarVirtualHostWrapper`).
   */
  readonly joins: boolean;
}

/**
 * An exact host beats a wildcard, the longest wildcard the others. Of several VirtualServices with the same wildcard sidecars
 * know only the first in Istio's order, if it is for any Service (pilot/pkg/model, `computeWildcardHostVirtualServiceIndex`).
 */
export function createVirtualServiceLookup(
  virtualServices: readonly VirtualService[],
  hosts: ReadonlySet<string>,
  scope: ClientIdentity & { readonly clusterDomain: string },
  report: CompileReport,
): VirtualServiceLookup {
  const { clusterDomain } = scope;
  const joins = !scope.gateways.includes('mesh');
  const claims = new Map<string, [VirtualService, ...VirtualService[]]>();
  for (const virtualService of visibleOnes(virtualServices, clusterDomain, scope, report)) {
    for (const pattern of virtualService.hosts) {
      const host = fullHost(pattern.host, virtualService.namespace, clusterDomain);
      const holders = claims.get(host);
      if (holders === undefined) claims.set(host, [virtualService]);
      else if (joins || !host.startsWith('*') || !fitsAny(host, hosts)) holders.push(virtualService);
      else {
        reportConflict(virtualService, host, [holders[0]], report);
        continue;
      }
      reportUnknownHost(virtualService, pattern, host, hosts, clusterDomain, report);
    }
  }
  const wildcards = [...claims].filter(([host]) => host.startsWith('*'));
  return {
    claims: [...claims].map(([host, holders]) => ({ host, virtualServices: holders })),
    joins,
    find(host) {
      let best = claims.get(host);
      if (best !== undefined) return best;
      let bestFit = 0;
      for (const [pattern, holders] of wildcards) {
        const fit = fitOf(pattern, host);
        if (fit > bestFit) {
          best = holders;
          bestFit = fit;
        }
      }
      return best ?? [];
    },
  };
}

/** An address is no short name. */
function fullHost(host: string, namespace: string, clusterDomain: string): string {
  return host.includes(':') ? host : resolveHost(host, namespace, clusterDomain);
}

/** How closely a wildcard fits a host: 0 not at all, more the longer. It stands for one character at least. */
function fitOf(wildcard: string, host: string): number {
  return host.length >= wildcard.length && host.endsWith(wildcard.slice(1)) ? wildcard.length : 0;
}

function fitsAny(pattern: string, hosts: ReadonlySet<string>): boolean {
  if (!pattern.startsWith('*')) return hosts.has(pattern);
  for (const host of hosts) if (fitOf(pattern, host) > 0) return true;
  return false;
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
  return hosts.map(({ host }) => fullHost(host, namespace, clusterDomain)).join(', ');
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
  if (fitsAny(resolved, hosts)) return;
  const meant = expandedHost(pattern.host, clusterDomain);
  if (meant !== undefined && hosts.has(meant)) {
    const message = `Host ${pattern.host} is not expanded, as it has a dot; write ${meant}.`;
    report.add('host-not-expanded', virtualService, message, pattern.place);
  } else if (resolved.endsWith(`.svc.${clusterDomain}`)) {
    const message = `Host ${resolved} is no known Service; only calls that name it so get these rules.`;
    report.add('host-unknown', virtualService, message, pattern.place);
  }
}
