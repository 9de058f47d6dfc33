import {
  type Cluster,
  type ConsideredRule,
  type ConsideredRules,
  type Diagnostic,
  isSameObject,
  type ObjectRef,
  type Snapshot,
} from '../model/index.ts';
import { concerns, type ExplainedStep } from './explained-step.ts';

/** Findings that are told as what became of a rule. */
const COVERED = new Set([
  'destination-rule-out-of-reach',
  'destination-rule-shadowed',
  'destination-rules-merged',
  'not-exported',
  'workload-selector',
]);

/** The DestinationRule of a cluster, and of every other one for its host why it does not hold, or not alone. */
export function explainRules(snapshot: Snapshot, cluster: Cluster): ExplainedStep {
  const { destinationRule: object, subset, host } = cluster;
  const considered = snapshot.consideredRules?.get(host);
  const rules = considered?.rules ?? [];
  const because = rules.flatMap((rule) => {
    return rule.is === 'chosen' ? [] : [`${nameOf(rule.object)}: ${whatBecame(rule, rules, considered?.at)}`];
  });
  if (considered?.more !== undefined) because.push(`${considered.more} more DestinationRules for it do not hold.`);
  because.push(...snapshot.diagnostics.filter((one) => isOf(one, host, rules)).map(render));
  if (object === undefined) {
    const decision =
      subset === ''
        ? `No DestinationRule is for ${host}: defaults hold.`
        : `No DestinationRule of ${host} defines subset "${subset}": it has no endpoints.`;
    if (subset !== '') because.unshift(...definedOnes(snapshot, cluster));
    return { step: 'destination-rule', decision, because };
  }
  const which = subset === '' ? '' : `, subset "${subset}"`;
  const chosen = rules.find(({ is }) => is === 'chosen');
  const wildcard = chosen === undefined || chosen.host === host ? '' : ` by its host ${chosen.host}`;
  const decision = `DestinationRule ${nameOf(object)} is for ${host}${which}${wildcard}.`;
  return { step: 'destination-rule', object, field: subset === '' ? 'spec.host' : 'spec.subsets', decision, because };
}

/** What the rule that holds defines instead. */
function definedOnes({ clusters }: Snapshot, { host, port }: Cluster): readonly string[] {
  const others = [...clusters.values()].filter((one) => one.host === host && one.port === port);
  const holder = others.find(({ destinationRule }) => destinationRule !== undefined)?.destinationRule;
  if (holder === undefined) return [];
  const names = others.flatMap((one) => (one.destinationRule === undefined || one.subset === '' ? [] : [one.subset]));
  const defined = names.length === 0 ? 'no subsets' : `only ${names.map((name) => JSON.stringify(name)).join(', ')}`;
  return [`${nameOf(holder)}: It decides, and defines ${defined}.`];
}

const WHERE: Readonly<Record<NonNullable<ConsideredRules['at']>, string>> = {
  callers: "in the callers' namespace",
  service: "in the Service's namespace",
  root: 'in the root namespace',
};

function whatBecame(
  { is, host, by, policyOf }: ConsideredRule,
  rules: readonly ConsideredRule[],
  at: ConsideredRules['at'],
): string {
  const other = by === undefined ? '' : nameOf(by);
  const rival = rules.find(({ object }) => by !== undefined && isSameObject(object, by));
  const isIdle = rival !== undefined && rival.is !== 'chosen';
  switch (is) {
    case 'chosen':
      return 'It decides.';
    case 'merged': {
      const policy =
        policyOf === undefined ? '' : `; its trafficPolicy is not used, as that of ${nameOf(policyOf)} holds`;
      return `It has the same host as ${other} and is merged into it${policy}.`;
    }
    case 'apart':
      return `It has the same host, but exportTo or workloadSelector keep it from being merged; ${other} holds for these callers.`;
    case 'wider':
      return `Host ${host} fits less well than ${rival?.host ?? 'that'} of ${other}${isIdle ? ', though that one does not hold' : ''}.`;
    case 'later': {
      const where = at === undefined ? '' : `, ${WHERE[at]}`;
      return `${other} is looked up first${where}${isIdle ? ', and ends the search though it does not hold' : ''}.`;
    }
    case 'out-of-reach':
      return 'Rules are looked up in the namespaces of the callers and of the Service, and in the root namespace only.';
    case 'not-exported':
      return "exportTo leaves out the callers' namespace.";
    case 'not-selected':
      return 'workloadSelector does not select these callers.';
    default:
      return is satisfies never;
  }
}

/** Findings about the rules that name the host, or are about what was merged. */
function isOf(finding: Diagnostic, host: string, rules: readonly ConsideredRule[]): boolean {
  const { object, code } = finding;
  if (object?.kind !== 'DestinationRule' || COVERED.has(code)) return false;
  if (concerns(finding, host)) return true;
  return code === 'subset-shadowed' && rules.some((rule) => rule.is === 'merged' && isSameObject(rule.object, object));
}

function render({ object, message }: Diagnostic): string {
  return object === undefined ? message : `${nameOf(object)}: ${message}`;
}

function nameOf({ namespace, name }: ObjectRef): string {
  return `${namespace}/${name}`;
}
