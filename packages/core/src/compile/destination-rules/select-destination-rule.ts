import type { DestinationRule } from '../../config/index.ts';
import type { ConsideredRules } from '../../model/index.ts';
import { hasLabels } from '../client-identity.ts';
import type { CompileReport } from '../compile-report.ts';
import { groupBy } from '../group-by.ts';
import { matchHost, resolveHost } from '../host-names.ts';
import { createRuleConsideration, type RuleSearch } from './consider-rules.ts';
import { type EffectiveRule, effectOf, type MergedRules, mergeDestinationRules } from './merge-destination-rules.ts';
import { reportUnusable } from './report-unused-rules.ts';
import { isLocal, isPrivate, type RuleScope } from './rule-scope.ts';

export interface DestinationRuleLookup {
  /** What decides about a host. */
  find(host: string, serviceNamespace: string): EffectiveRule | undefined;
  /** Every rule for the host, and what became of it in the same search; `undefined`: there is nothing to tell. */
  consider(host: string, serviceNamespace: string): ConsideredRules | undefined;
}

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
  const search = (host: string, serviceNamespace: string): RuleSearch | undefined => {
    const near = ending('callers', mostSpecific(local, host) ?? [], scope);
    if (near !== undefined) return near;
    for (const [at, namespace] of [
      ['service', serviceNamespace],
      ['root', rootNamespace],
    ] as const) {
      const seen = mostSpecific(exported.get(namespace), host)?.filter(isSeen) ?? [];
      const end = ending(at, seen, scope);
      if (end !== undefined) return end;
    }
    return undefined;
  };
  const consider = createRuleConsideration(rules, scope, (namespace, host) => {
    return mostSpecific(exported.get(namespace), host) ?? [];
  });
  return {
    find(host, serviceNamespace) {
      const found = search(host, serviceNamespace)?.chosen;
      if (found === undefined) return undefined;
      const effective = effectOf(found, report);
      // Of rules elsewhere it is said that they are out of reach.
      const indexes = [local, exported.get(serviceNamespace), exported.get(rootNamespace)];
      const others = indexes.flatMap((index) => index?.exact.get(host) ?? []);
      for (const other of others) reportShadowed(other, found, host, scope, report);
      return effective;
    },
    consider: (host, serviceNamespace) => consider(host, serviceNamespace, search(host, serviceNamespace)),
  };
}

function ending(at: RuleSearch['at'], found: readonly MergedRules[], scope: RuleScope): RuleSearch | undefined {
  const [first, ...others] = found;
  if (first === undefined) return undefined;
  const chosen = choose(found, scope);
  return { at, found: [first, ...others], ...(chosen !== undefined && { chosen }) };
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
