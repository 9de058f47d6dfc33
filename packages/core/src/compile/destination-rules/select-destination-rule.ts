import type { DestinationRule } from '../../config/index.ts';
import type { ClientIdentity } from '../client-identity.ts';
import { hasLabels } from '../client-identity.ts';
import type { CompileReport } from '../compile-report.ts';
import { groupBy } from '../group-by.ts';
import { matchHost, resolveHost } from '../host-names.ts';
import {
  type EffectiveRule,
  effectOf,
  exportToOf,
  type MergedRules,
  mergeDestinationRules,
} from './merge-destination-rules.ts';
import { reportUnusable } from './report-unused-rules.ts';

export interface RuleScope extends ClientIdentity {
  readonly clusterDomain: string;
  readonly rootNamespace: string;
}

export type DestinationRuleLookup = (host: string, serviceNamespace: string) => EffectiveRule | undefined;

/** The rules of a namespace by their (resolved) host. */
interface HostIndex {
  readonly exact: ReadonlyMap<string, readonly MergedRules[]>;
  readonly wildcards: ReadonlyMap<string, readonly MergedRules[]>;
}

/**
 * Istio's lookup, the first hit stops (pilot/pkg/model, `PushContext.destinationRule`): the client's namespace, then the
 * Service's, then the root one; in each the exact host, else the longest wildcard. So a wildcard near the client hides an
 * exact rule beside the Service. Clients in the root namespace see there first only what is private to it (`.`).
 *
 * @param rules the oldest first
 */
export function createDestinationRuleLookup(
  rules: readonly DestinationRule[],
  hosts: ReadonlySet<string>,
  scope: RuleScope,
  report: CompileReport,
): DestinationRuleLookup {
  const { clientNamespace, rootNamespace, clusterDomain } = scope;
  // Those for certain workloads come first.
  const sorted = rules.toSorted(
    (a, b) => Number(a.workloadSelector === undefined) - Number(b.workloadSelector === undefined),
  );
  const local = indexRules(
    sorted.filter((rule) => rule.namespace === clientNamespace && isLocal(rule, clientNamespace === rootNamespace)),
    clusterDomain,
  );
  const exported = new Map<string, HostIndex>();
  for (const [namespace, own] of groupBy(
    sorted.filter((rule) => !isPrivate(rule)),
    (rule) => rule.namespace,
  )) {
    exported.set(namespace, indexRules(own, clusterDomain));
  }
  for (const rule of rules) reportUnusable(rule, hosts, scope, report);
  const isSeen = ({ exportTo }: MergedRules): boolean =>
    exportTo.size === 0 || exportTo.has('*') || exportTo.has(clientNamespace);
  const find = (host: string, serviceNamespace: string): readonly MergedRules[] => {
    const near = mostSpecific(local, host);
    if (near !== undefined) return near;
    for (const namespace of [serviceNamespace, rootNamespace]) {
      const seen = mostSpecific(exported.get(namespace), host)?.filter(isSeen) ?? [];
      if (seen.length > 0) return seen;
    }
    return [];
  };
  return (host, serviceNamespace) => {
    const found = choose(find(host, serviceNamespace), scope);
    if (found === undefined) return undefined;
    const effective = effectOf(found, report);
    const others = [local, ...exported.values()].flatMap((index) => index.exact.get(host) ?? []);
    for (const other of others) reportShadowed(other, found, host, scope, report);
    return effective;
  };
}

/** What is private to its namespace only. */
function isPrivate(rule: DestinationRule): boolean {
  const exportTo = exportToOf(rule);
  return exportTo.size === 1 && (exportTo.has('.') || exportTo.has(rule.namespace));
}

function isLocal(rule: DestinationRule, isRoot: boolean): boolean {
  if (isRoot) return isPrivate(rule);
  const exportTo = exportToOf(rule);
  return exportTo.size === 0 || ['*', '.', rule.namespace].some((entry) => exportTo.has(entry));
}

function indexRules(rules: readonly DestinationRule[], clusterDomain: string): HostIndex {
  const byHost = groupBy(rules, (rule) => resolveHost(rule.host.host, rule.namespace, clusterDomain));
  const exact = new Map<string, readonly MergedRules[]>();
  const wildcards = new Map<string, readonly MergedRules[]>();
  for (const [host, group] of byHost) {
    (host.startsWith('*') ? wildcards : exact).set(host, mergeDestinationRules(group));
  }
  return { exact, wildcards };
}

function mostSpecific(index: HostIndex | undefined, host: string): readonly MergedRules[] | undefined {
  let best = index?.exact.get(host);
  if (best !== undefined || index === undefined) return best;
  let bestFit = 0;
  for (const [pattern, merged] of index.wildcards) {
    const fit = matchHost(pattern, host);
    if (fit > bestFit) {
      best = merged;
      bestFit = fit;
    }
  }
  return best;
}

/** The first that selects the callers, else the last that is for all of them (`SidecarScope.DestinationRule`). */
function choose(found: readonly MergedRules[], { clientNamespace, clientLabels }: RuleScope): MergedRules | undefined {
  const own = found.find(
    ({ workloadSelector, rules: [{ namespace }] }) =>
      workloadSelector !== undefined && namespace === clientNamespace && hasLabels(clientLabels, workloadSelector),
  );
  return own ?? found.findLast(({ workloadSelector }) => workloadSelector === undefined);
}

/** Rules for the same host that these callers see, but that do not count. */
function reportShadowed(
  { rules, exportTo, workloadSelector }: MergedRules,
  by: MergedRules,
  host: string,
  { clientNamespace }: RuleScope,
  report: CompileReport,
): void {
  // Those for other workloads, or for callers elsewhere, are said to be so.
  if (workloadSelector !== undefined) return;
  const [holder] = by.rules;
  const isSeen = exportTo.size === 0 || exportTo.has('*') || exportTo.has(clientNamespace);
  for (const rule of rules) {
    if (by.rules.includes(rule) || (!isSeen && rule.namespace !== clientNamespace)) continue;
    const why = rule.namespace === holder.namespace ? 'holds for these callers' : 'is looked up first';
    const message = `Host ${host} follows DestinationRule ${holder.namespace}/${holder.name}, which ${why}; this one is not used.`;
    report.add('destination-rule-shadowed', rule, message, rule.host.place);
  }
}
