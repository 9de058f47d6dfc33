// A rule set as lines that can be compared, whoever wrote it.
import { storedProbability } from '../trace/probability.ts';
import type { Chain, Match, RuleSet } from './rule-set.ts';

/** Chains whose rules exclude one another: kube-proxy writes them in the order of a Go map. */
const UNORDERED = /^(KUBE-SERVICES|KUBE-NODEPORTS|KUBE-EXTERNAL-SERVICES|KUBE-PROXY-FIREWALL)$/;
const NOT_COMPARED = /CANARY|^KUBE-KUBELET|^KUBE-FIREWALL$/;

export function ruleLines(ruleSet: RuleSet): string[] {
  const chains = Object.entries(ruleSet.tables).flatMap(([table, byName]) =>
    [...byName.values()]
      .filter(({ name, rules }) => !NOT_COMPARED.test(name) && rules.length > 0)
      .flatMap((chain) => chainLines(table, chain)),
  );
  const sets = [...(ruleSet.sets?.values() ?? [])].flatMap(({ name, keyTypes, kind, timeoutS, elements }) => [
    `set ${name} ${kind} ${keyTypes.join(' . ')} ${timeoutS ?? ''}`,
    ...[...elements].map(([key, element]) => `element ${name} ${key} ${JSON.stringify(element)}`),
  ]);
  const hooks = Object.entries(ruleSet.hooks ?? {}).map(([hook, hooked]) => `hook ${hook} ${JSON.stringify(hooked)}`);
  return [...chains, ...sets, ...hooks];
}

function chainLines(table: string, { name, rules, policy }: Chain): string[] {
  const lines = rules.map(({ matches, effects, verdict }) =>
    JSON.stringify([matches.map(normalized), effects, verdict]),
  );
  const last = UNORDERED.test(name) ? lines.at(-1) : undefined;
  const ordered = UNORDERED.test(name) ? lines.toSorted() : lines;
  // That the jump to the node ports is the last is part of what is compared.
  const tail =
    name === 'KUBE-SERVICES' && table === 'nat' ? [`last: ${last?.includes('KUBE-NODEPORTS') === true}`] : [];
  return [...ordered, ...tail, ...(policy === undefined ? [] : [policy])].map(
    (line, index) => `${table} ${name} ${UNORDERED.test(name) ? '' : index} ${line}`,
  );
}

/** A single address or a single network of several reads the same; ranges come back sorted and joined by the kernel. */
function normalized(match: Match): unknown {
  if (match.kind === 'statistic') return { ...match, probability: storedProbability(match.probability).toFixed(9) };
  if (match.kind !== 'among') return match;
  const [network] = match.networks;
  if (match.networks.length === 1) return { kind: match.field, network, negated: match.negated };
  return { ...match, networks: match.networks.toSorted() };
}
