import type { DestinationRule, Subset, TrafficPolicy } from '../config/index.ts';
import { type ObjectRef, refOf } from '../model/index.ts';
import { type ClientIdentity, hasLabels } from './client-identity.ts';
import type { CompileReport } from './compile-report.ts';
import { isExportedTo } from './export-to.ts';
import { expandedHost, matchesAny, matchHost, resolveHost } from './host-names.ts';

/** What the DestinationRules say about one host together. */
export interface EffectiveRule {
  /** The oldest of those merged. */
  readonly ref: ObjectRef;
  readonly trafficPolicy?: TrafficPolicy;
  readonly subsets: readonly EffectiveSubset[];
}

export interface EffectiveSubset extends Subset {
  readonly rule: DestinationRule;
}

export interface RuleScope extends ClientIdentity {
  readonly clusterDomain: string;
  readonly rootNamespace: string;
}

/** The DestinationRules of one namespace for one (resolved) host, merged. */
interface HostRules {
  readonly namespace: string;
  readonly host: string;
  readonly rules: readonly DestinationRule[];
  readonly effective: EffectiveRule;
}

export type DestinationRuleLookup = (host: string, serviceNamespace: string) => EffectiveRule | undefined;

/**
 * Istio's lookup, the first hit stops (pilot/pkg/model, `PushContext.destinationRule`): the client's namespace, then the
 * Service's, then the root one; in each the exact host, else the longest wildcard. So a wildcard near the client hides an
 * exact rule beside the Service. Clients in the root namespace see there only what is private to it (`.`).
 */
export function createDestinationRuleLookup(
  rules: readonly DestinationRule[],
  hosts: ReadonlySet<string>,
  scope: RuleScope,
  report: CompileReport,
): DestinationRuleLookup {
  const { clientNamespace, rootNamespace } = scope;
  const groups = mergeByHost(visibleRules(rules, hosts, scope, report), scope, report);
  const exact = new Map<string, readonly HostRules[]>();
  for (const group of groups) exact.set(group.host, [...(exact.get(group.host) ?? []), group]);
  const wildcards = groups.filter((group) => group.host.startsWith('*'));
  const find = (host: string, serviceNamespace: string): HostRules | undefined => {
    for (const namespace of new Set([clientNamespace, serviceNamespace, rootNamespace])) {
      const found =
        exact.get(host)?.find((group) => group.namespace === namespace) ?? longest(wildcards, namespace, host);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return (host, serviceNamespace) => {
    const found = find(host, serviceNamespace);
    if (found === undefined) return undefined;
    for (const group of exact.get(host) ?? []) if (group !== found) reportShadowed(group, found, report);
    return found.effective;
  };
}

function reportShadowed(group: HostRules, by: HostRules, report: CompileReport): void {
  const { namespace, name } = by.effective.ref;
  const message = `Host ${group.host} follows DestinationRule ${namespace}/${name}, which is looked up first; this one is not used.`;
  for (const rule of group.rules) report.add('destination-rule-shadowed', rule, message, rule.host.place);
}

function longest(wildcards: readonly HostRules[], namespace: string, host: string): HostRules | undefined {
  let best: HostRules | undefined;
  let bestFit = 0;
  for (const group of wildcards) {
    const fit = group.namespace === namespace ? matchHost(group.host, host) : 0;
    if (fit > bestFit) {
      best = group;
      bestFit = fit;
    }
  }
  return best;
}

function visibleRules(
  rules: readonly DestinationRule[],
  hosts: ReadonlySet<string>,
  scope: RuleScope,
  report: CompileReport,
): readonly DestinationRule[] {
  const { clientNamespace, rootNamespace, clusterDomain } = scope;
  const seen = rules.filter((rule) => {
    const { workloadSelector } = rule;
    if (workloadSelector !== undefined) {
      // It is private to its namespace, whatever exportTo says.
      const meant = rule.namespace === clientNamespace && hasLabels(scope.clientLabels, workloadSelector);
      if (meant) reportUnknownHost(rule, hosts, clusterDomain, report);
      else report.add('workload-selector', rule, whyNotSelected(scope));
      return meant;
    }
    const inRoot = clientNamespace === rootNamespace && rule.namespace === rootNamespace;
    const visible = inRoot
      ? rule.exportTo.length === 1 && rule.exportTo[0] === '.'
      : isExportedTo(rule.exportTo, rule.namespace, clientNamespace);
    if (!visible) {
      const message = `exportTo leaves out namespace ${clientNamespace}, whose calls are balanced here; it does not apply.`;
      report.add('not-exported', rule, message);
      return false;
    }
    reportUnknownHost(rule, hosts, clusterDomain, report);
    return true;
  });
  // Those for certain workloads come first, and are not merged with the others.
  return seen.toSorted((a, b) => Number(a.workloadSelector === undefined) - Number(b.workloadSelector === undefined));
}

function whyNotSelected({ clientNamespace, clientLabels }: RuleScope): string {
  const labels = Object.entries(clientLabels).map(([key, value]) => `${key}=${value}`);
  const callers = `callers in ${clientNamespace} with ${labels.length === 0 ? 'no labels known' : labels.join(', ')}`;
  return `workloadSelector does not select the ${callers}; the rule does not apply to them.`;
}

function reportUnknownHost(
  rule: DestinationRule,
  hosts: ReadonlySet<string>,
  clusterDomain: string,
  report: CompileReport,
): void {
  const { host, place } = rule.host;
  const resolved = resolveHost(host, rule.namespace, clusterDomain);
  if (matchesAny(resolved, hosts)) return;
  const meant = expandedHost(host, clusterDomain);
  if (meant !== undefined && hosts.has(meant)) {
    const message = `Host ${host} is not expanded, as it has a dot; write ${meant}.`;
    report.add('host-not-expanded', rule, message, place);
  } else report.add('host-unknown', rule, `Host ${resolved} is no known Service, so this rule has no effect.`, place);
}

/** `rules` come oldest first, which is the order of precedence. */
function mergeByHost(rules: readonly DestinationRule[], scope: RuleScope, report: CompileReport): readonly HostRules[] {
  const groups = new Map<string, DestinationRule[]>();
  for (const rule of rules) {
    const selector = rule.workloadSelector === undefined ? '' : JSON.stringify(Object.entries(rule.workloadSelector));
    const key = `${rule.namespace} ${resolveHost(rule.host.host, rule.namespace, scope.clusterDomain)} ${selector}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [rule]);
    else group.push(rule);
  }
  return [...groups.values()].flatMap((group) => {
    const [oldest] = group;
    if (oldest === undefined) return [];
    const host = resolveHost(oldest.host.host, oldest.namespace, scope.clusterDomain);
    const merged = group.filter((rule) => isMergeable(oldest, rule, report));
    return [{ namespace: oldest.namespace, host, rules: merged, effective: mergeRules(oldest, merged, report) }];
  });
}

/** Istio merges a rule into an older one that is exported to the same namespaces or to fewer. */
function isMergeable(oldest: DestinationRule, rule: DestinationRule, report: CompileReport): boolean {
  const everywhere = rule.exportTo.length === 0 || rule.exportTo.includes('*');
  const narrower = oldest.exportTo.length > 0 && oldest.exportTo.every((entry) => rule.exportTo.includes(entry));
  if (everywhere || narrower) return true;
  const message = `DestinationRule ${oldest.name} is older, has the same host and another exportTo; this one is not used.`;
  report.add('destination-rule-shadowed', rule, message, rule.host.place);
  return false;
}

/** Subsets are joined, the first of a name wins; the policy is the oldest one's that has one, never mixed by field. */
function mergeRules(oldest: DestinationRule, rules: readonly DestinationRule[], report: CompileReport): EffectiveRule {
  const subsets = new Map<string, EffectiveSubset>();
  let policyOf: DestinationRule | undefined;
  for (const rule of rules) {
    if (rule !== oldest) {
      const message = `DestinationRule ${oldest.name} is older and has the same host; this one is merged into it.`;
      report.add('destination-rules-merged', rule, message, rule.host.place);
    }
    if (policyOf === undefined && rule.trafficPolicy !== undefined) policyOf = rule;
    else if (policyOf !== undefined && rule.trafficPolicy !== undefined) {
      const message = `The trafficPolicy of DestinationRule ${policyOf.name} holds, as it is older; this one is not used.`;
      report.add('destination-rule-shadowed', rule, message, rule.host.place);
    }
    for (const subset of rule.subsets) {
      const first = subsets.get(subset.name);
      if (first === undefined) subsets.set(subset.name, { ...subset, rule });
      else {
        const message = `Subset "${subset.name}" is defined by the older DestinationRule ${first.rule.name}, which holds.`;
        report.add('subset-shadowed', rule, message, subset.place);
      }
    }
  }
  const trafficPolicy = policyOf?.trafficPolicy;
  return { ref: refOf(oldest), ...(trafficPolicy !== undefined && { trafficPolicy }), subsets: [...subsets.values()] };
}
