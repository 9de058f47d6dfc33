import type { DestinationRule } from '../../config/index.ts';
import { hasLabels } from '../client-identity.ts';
import type { CompileReport } from '../compile-report.ts';
import { isExportedTo } from '../export-to.ts';
import { expandedHost, matchesAny, resolveHost } from '../host-names.ts';
import type { RuleScope } from './rule-scope.ts';

/** Says why a DestinationRule cannot be for the callers, or for any Service. */
export function reportUnusable(
  rule: DestinationRule,
  hosts: ReadonlySet<string>,
  scope: RuleScope,
  report: CompileReport,
): void {
  const { clientNamespace, rootNamespace, clientLabels } = scope;
  const { workloadSelector, namespace, exportTo } = rule;
  if (workloadSelector !== undefined) {
    // It is private to its namespace, whatever exportTo says.
    if (namespace !== clientNamespace || !hasLabels(clientLabels, workloadSelector)) {
      report.add('workload-selector', rule, whyNotSelected(scope));
      return;
    }
  } else if (!isExportedTo(exportTo, namespace, clientNamespace)) {
    const message = `exportTo leaves out namespace ${clientNamespace}, whose calls are balanced here; it does not apply.`;
    report.add('not-exported', rule, message);
    return;
  }
  if (reportUnknownHost(rule, hosts, scope, report)) return;
  const host = resolveHost(rule.host.host, namespace, scope.clusterDomain);
  const owner = host.startsWith('*') ? undefined : host.split('.')[1];
  if (owner === undefined || [clientNamespace, owner, rootNamespace].includes(namespace)) return;
  const message = `Rules for ${host} are looked up in the namespaces ${[...new Set([clientNamespace, owner, rootNamespace])].join(', ')} only, so this one has no effect; move it to ${owner}.`;
  report.add('destination-rule-out-of-reach', rule, message, rule.host.place);
}

function whyNotSelected({ clientNamespace, clientLabels }: RuleScope): string {
  const labels = Object.entries(clientLabels).map(([key, value]) => `${key}=${value}`);
  const callers = `callers in ${clientNamespace} with ${labels.length === 0 ? 'no labels known' : labels.join(', ')}`;
  return `workloadSelector does not select the ${callers}; the rule does not apply to them.`;
}

function reportUnknownHost(
  rule: DestinationRule,
  hosts: ReadonlySet<string>,
  { clusterDomain }: RuleScope,
  report: CompileReport,
): boolean {
  const { host, place } = rule.host;
  const resolved = resolveHost(host, rule.namespace, clusterDomain);
  if (matchesAny(resolved, hosts)) return false;
  const meant = expandedHost(host, clusterDomain);
  if (meant !== undefined && hosts.has(meant)) {
    const message = `Host ${host} is not expanded, as it has a dot; write ${meant}.`;
    report.add('host-not-expanded', rule, message, place);
  } else report.add('host-unknown', rule, `Host ${resolved} is no known Service, so this rule has no effect.`, place);
  return true;
}
