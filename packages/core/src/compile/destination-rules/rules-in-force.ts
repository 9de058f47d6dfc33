import type { DestinationRule } from '../../config/index.ts';
import { CompileReport } from '../compile-report.ts';
import { groupBy } from '../group-by.ts';
import { resolveHost } from '../host-names.ts';
import { compareAge } from '../order.ts';
import { type EffectiveRule, effectOf, mergeDestinationRules } from './merge-destination-rules.ts';

/** What the rules of one namespace say about a host together, for some callers or for all. */
export interface RuleOfHost {
  /** Resolved; it may be a wildcard. */
  readonly host: string;
  readonly rule: EffectiveRule;
}

/** Every rule as it is merged with others, whoever its callers are. */
export function rulesOfHosts(rules: readonly DestinationRule[], clusterDomain: string): readonly RuleOfHost[] {
  const isForAll = (rule: DestinationRule): number => Number(rule.workloadSelector === undefined);
  const sorted = rules.toSorted(compareAge).toSorted((a, b) => isForAll(a) - isForAll(b));
  const hostOf = (rule: DestinationRule): string => resolveHost(rule.host.host, rule.namespace, clusterDomain);
  // What is merged is told of elsewhere.
  const unheard = new CompileReport();
  return [...groupBy(sorted, (rule) => `${rule.namespace} ${hostOf(rule)}`).values()].flatMap((group) =>
    mergeDestinationRules(group).map((merged) => ({ host: hostOf(merged.rules[0]), rule: effectOf(merged, unheard) })),
  );
}
