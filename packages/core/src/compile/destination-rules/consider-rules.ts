import type { DestinationRule } from '../../config/index.ts';
import { type ConsideredRule, type ConsideredRules, type ObjectRef, refOf } from '../../model/index.ts';
import { hasLabels } from '../client-identity.ts';
import { isExportedTo } from '../export-to.ts';
import { groupBy } from '../group-by.ts';
import { matchHost, resolveHost } from '../host-names.ts';
import type { MergedRules } from './merge-destination-rules.ts';
import { isLocal, type RuleScope } from './rule-scope.ts';

/** How the search for the rule of a host ended. */
export interface RuleSearch {
  readonly at: 'callers' | 'service' | 'root';
  /** What stands at the most specific host there; the search goes no further, even if none of it is for the callers. */
  readonly found: readonly [MergedRules, ...MergedRules[]];
  readonly chosen?: MergedRules;
}

/** Rules that are told of for one host, besides those that decide. */
const MOST = 24;

const ORDER: readonly RuleSearch['at'][] = ['callers', 'service', 'root'];

/** All rules by their (resolved) host, to say of each what became of it. `undefined`: there is nothing to tell. */
export type RuleConsideration = (
  host: string,
  serviceNamespace: string,
  search: RuleSearch | undefined,
) => ConsideredRules | undefined;

/**
 * @param best of a namespace, what stands at its most specific host that fits, whether these callers see it or not
 */
export function createRuleConsideration(
  rules: readonly DestinationRule[],
  scope: RuleScope,
  best: (namespace: string, host: string) => readonly MergedRules[],
): RuleConsideration {
  const { clientNamespace, clusterDomain, rootNamespace, clientLabels } = scope;
  const hostOf = (rule: DestinationRule): string => resolveHost(rule.host.host, rule.namespace, clusterDomain);
  const byHost = groupBy(rules, hostOf);
  const wildcards = [...byHost.keys()].filter((host) => host.startsWith('*')).toSorted((a, b) => b.length - a.length);
  const refs = new Map<DestinationRule, ObjectRef>();
  const refTo = (rule: DestinationRule): ObjectRef => {
    const known = refs.get(rule) ?? refOf(rule);
    refs.set(rule, known);
    return known;
  };

  const placeOf = (rule: DestinationRule, serviceNamespace: string): RuleSearch['at'] | undefined => {
    const { namespace } = rule;
    if (namespace === clientNamespace && isLocal(rule, namespace === rootNamespace)) return 'callers';
    if (namespace === serviceNamespace) return 'service';
    return namespace === rootNamespace ? 'root' : undefined;
  };

  const fateOf = (
    rule: DestinationRule,
    host: string,
    serviceNamespace: string,
    search: RuleSearch | undefined,
  ): Omit<ConsideredRule, 'object' | 'host'> => {
    const { namespace, workloadSelector, exportTo } = rule;
    if (workloadSelector !== undefined) {
      if (namespace !== clientNamespace || !hasLabels(clientLabels, workloadSelector)) return { is: 'not-selected' };
    } else if (!isExportedTo(exportTo, namespace, clientNamespace)) return { is: 'not-exported' };
    const at = placeOf(rule, serviceNamespace);
    if (at === undefined) return { is: 'out-of-reach' };
    if (search !== undefined) {
      const [stop] = (search.chosen ?? search.found[0]).rules;
      const by = refTo(stop);
      if (namespace === stop.namespace) {
        const [own, theirs] = [matchHost(hostOf(rule), host), matchHost(hostOf(stop), host)];
        if (own === theirs) return { is: 'apart', by };
        return { is: own < theirs ? 'wider' : 'later', by };
      }
      if (ORDER.indexOf(search.at) < ORDER.indexOf(at)) return { is: 'later', by };
    }
    // Nothing was found there, as what fits best is not exported: Istio looks for no wider one then.
    const closest = best(namespace, host)[0]?.rules[0];
    if (closest === undefined || hostOf(closest) === hostOf(rule)) return { is: 'not-exported' };
    return { is: 'wider', by: refTo(closest) };
  };

  return (host, serviceNamespace, search) => {
    const deciding: readonly DestinationRule[] = search?.chosen?.rules ?? [];
    const [first] = deciding;
    const policy = deciding.find(({ trafficPolicy }) => trafficPolicy !== undefined);
    const told = deciding.map((rule): ConsideredRule => {
      const about = { object: refTo(rule), host: hostOf(rule) };
      if (rule === first || first === undefined) return { ...about, is: 'chosen' };
      const isLost = policy !== undefined && policy !== rule && rule.trafficPolicy !== undefined;
      return { ...about, is: 'merged', by: refTo(first), ...(isLost && { policyOf: refTo(policy) }) };
    });
    let more = 0;
    for (const pattern of [host, ...wildcards]) {
      if (matchHost(pattern, host) === 0) continue;
      for (const rule of byHost.get(pattern) ?? []) {
        if (deciding.includes(rule)) continue;
        if (told.length - deciding.length === MOST) more++;
        else told.push({ object: refTo(rule), host: pattern, ...fateOf(rule, host, serviceNamespace, search) });
      }
    }
    const [only] = told;
    if (only === undefined || (told.length === 1 && only.is === 'chosen' && only.host === host)) return undefined;
    return { ...(search !== undefined && { at: search.at }), rules: told, ...(more > 0 && { more }) };
  };
}
