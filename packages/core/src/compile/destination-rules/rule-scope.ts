import type { DestinationRule } from '../../config/index.ts';
import type { ClientIdentity } from '../client-identity.ts';

export interface RuleScope extends ClientIdentity {
  readonly clusterDomain: string;
  readonly rootNamespace: string;
}

/** Who may see a rule; one for certain workloads is private to its namespace, whatever it says. */
export function exportToOf({ exportTo, workloadSelector }: DestinationRule): ReadonlySet<string> {
  return new Set(workloadSelector === undefined ? exportTo : ['.']);
}

/** What is private to its namespace only. */
export function isPrivate(rule: DestinationRule): boolean {
  const exportTo = exportToOf(rule);
  return exportTo.size === 1 && (exportTo.has('.') || exportTo.has(rule.namespace));
}

/** What callers of the rule's own namespace look up there first; in the root namespace only what is private to it. */
export function isLocal(rule: DestinationRule, isRoot: boolean): boolean {
  if (isRoot) return isPrivate(rule);
  const exportTo = exportToOf(rule);
  return exportTo.size === 0 || ['*', '.', rule.namespace].some((entry) => exportTo.has(entry));
}
