import type { DestinationRule, Subset, TrafficPolicy } from '../../config/index.ts';
import { type ObjectRef, refOf } from '../../model/index.ts';
import type { OwnedAnnotations } from '../clusters/compile-extensions.ts';
import type { CompileReport } from '../compile-report.ts';
import { isSame } from '../same.ts';
import { exportToOf } from './rule-scope.ts';

/** What the DestinationRules say about one host together. */
export interface EffectiveRule {
  /** The oldest of those merged. */
  readonly ref: ObjectRef;
  readonly trafficPolicy?: TrafficPolicy;
  /** The rule whose `trafficPolicy` it is. */
  readonly policyOf?: DestinationRule;
  readonly subsets: readonly EffectiveSubset[];
  /** The oldest rule's first. */
  readonly annotations: readonly OwnedAnnotations[];
}

export interface EffectiveSubset extends Subset {
  readonly rule: DestinationRule;
}

/** DestinationRules of one namespace for one host that hold together for the same callers. */
export interface MergedRules {
  readonly exportTo: ReadonlySet<string>;
  readonly workloadSelector?: Readonly<Record<string, string>>;
  readonly rules: readonly [DestinationRule, ...DestinationRule[]];
}

/**
 * Merges rules of one namespace for one host as Istio does (pilot/pkg/model, `mergeDestinationRule`): one is merged into
 * every earlier one that has the same `exportTo` or a narrower one, and the same selector or none; one that was not, or
 * that is for more callers than those with a selector, stands for itself, too.
 *
 * @param rules those with a selector first, then the oldest first
 */
export function mergeDestinationRules(rules: readonly DestinationRule[]): readonly MergedRules[] {
  const merged: { exportTo: ReadonlySet<string>; rules: [DestinationRule, ...DestinationRule[]] }[] = [];
  for (const rule of rules) {
    const exportTo = exportToOf(rule);
    let apart = true;
    for (const earlier of merged) {
      const [{ workloadSelector: theirs }] = earlier.rules;
      const { workloadSelector: own } = rule;
      apart = true;
      if (!isSuperset(exportTo, earlier.exportTo)) continue;
      // Those with a selector come first: a rule without one is merged into them, and is for the other callers as well.
      if (own !== undefined && !isSame(own, theirs)) continue;
      if (isSame(own, theirs)) apart = false;
      earlier.rules.push(rule);
    }
    if (apart) merged.push({ exportTo, rules: [rule] });
  }
  return merged.map(({ exportTo, rules: group }) => {
    const [{ workloadSelector }] = group;
    return { exportTo, rules: group, ...(workloadSelector !== undefined && { workloadSelector }) };
  });
}

/** No `exportTo` at all is only as wide as none. */
function isSuperset(wide: ReadonlySet<string>, narrow: ReadonlySet<string>): boolean {
  if (wide.size === 0 || narrow.size === 0) return wide.size === narrow.size;
  return [...narrow].every((entry) => wide.has(entry));
}

/** Subsets are joined, the first of a name wins; the policy is the first one's that has one, never mixed by field. */
export function effectOf({ rules }: MergedRules, report: CompileReport): EffectiveRule {
  const [oldest] = rules;
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
  return {
    ref: refOf(oldest),
    ...(trafficPolicy !== undefined && { trafficPolicy }),
    ...(policyOf !== undefined && { policyOf }),
    subsets: [...subsets.values()],
    annotations: rules.flatMap((rule) =>
      rule.annotations === undefined ? [] : [{ object: refOf(rule), settings: rule.annotations }],
    ),
  };
}
