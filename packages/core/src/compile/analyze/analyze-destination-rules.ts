import type { DestinationRule } from '../../config/index.ts';
import type { ServiceEntry } from '../../model/index.ts';
import type { CompileReport } from '../compile-report.ts';
import { type RuleOfHost, rulesOfHosts } from '../destination-rules/rules-in-force.ts';
import { groupBy } from '../group-by.ts';
import { matchHost, resolveHost } from '../host-names.ts';
import { analyzePolicies } from './analyze-policies.ts';
import { reportLostBlocks, reportUnknownPorts } from './analyze-port-settings.ts';

/** Policies with an effect that their author may not expect, or with none. */
export function analyzeDestinationRules(
  rules: readonly DestinationRule[],
  byHost: ReadonlyMap<string, ServiceEntry>,
  clusterDomain: string,
  report: CompileReport,
): void {
  for (const rule of rules) {
    const host = resolveHost(rule.host.host, rule.namespace, clusterDomain);
    reportHeadless(rule, byHost.get(host), report);
    reportUnknownPorts(rule, host, servicesOf(host, byHost), report);
  }
  const all = rulesOfHosts(rules, clusterDomain);
  const hostsByNamespace = groupBy(all, ({ rule }) => rule.ref.namespace);
  for (const { host, rule } of all) {
    const beside = hostsByNamespace.get(rule.ref.namespace) ?? [];
    for (const entry of servicesOf(host, byHost, hidersOf(host, beside))) {
      if (entry.service.type === 'ExternalName') continue;
      analyzePolicies(entry, rule, report);
      reportLostBlocks(entry, rule, report);
    }
  }
}

/** @param hiders nearer hosts, whose rules are taken instead */
function servicesOf(
  host: string,
  byHost: ReadonlyMap<string, ServiceEntry>,
  hiders: ReadonlySet<string> = new Set(),
): readonly ServiceEntry[] {
  if (host.startsWith('*')) {
    const wide = [...hiders].filter((one) => one.startsWith('*'));
    const isHidden = (name: string): boolean => hiders.has(name) || wide.some((one) => matchHost(one, name) > 0);
    return [...byHost].filter(([name]) => matchHost(host, name) > 0 && !isHidden(name)).map(([, entry]) => entry);
  }
  const entry = byHost.get(host);
  return entry === undefined ? [] : [entry];
}

/** In one namespace only the rules of the host that fits best are looked at. */
function hidersOf(host: string, beside: readonly RuleOfHost[]): ReadonlySet<string> {
  if (!host.startsWith('*')) return new Set();
  const isNearer = (other: string): boolean => !other.startsWith('*') || other.length > host.length;
  return new Set(beside.map((one) => one.host).filter((other) => isNearer(other)));
}

/** What callers that take addresses from DNS get nothing of; Istio's sidecars neither (istio #50967). */
function reportHeadless(rule: DestinationRule, entry: ServiceEntry | undefined, report: CompileReport): void {
  const policy = rule.trafficPolicy?.loadBalancer;
  // PASSTHROUGH is just what such callers do.
  const says = rule.subsets.length > 0 || (policy !== undefined && policy.kind !== 'PASSTHROUGH');
  if (entry?.service.headless !== true || !says) return;
  const { namespace, name } = entry.service;
  const message = `Service ${namespace}/${name} is headless: callers that take its addresses from DNS get nothing of this rule's policy and subsets, nor do those behind Istio's sidecars; send them through Steelyard, or use @steelyard/grpc-js.`;
  report.add('headless-policy-bypassed', rule, message, rule.host.place);
}
