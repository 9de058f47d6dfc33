import type { IpFamily } from '@steelyard/core/model';
import type { NamedSet, RuleSet } from '../compile/rule-set.ts';

/** What ipset(8) keeps by default, said aloud: clients of one endpoint. */
export const SET_CLIENTS = 65_536;

const OWN_SET: Readonly<Record<IpFamily, RegExp>> = {
  IPv4: /^KUBE-AFF4-[A-Z2-7]{16}$/,
  IPv6: /^KUBE-AFF6-[A-Z2-7]{16}$/,
};

/** Whether a set is one of those that the rules of this family, or of any, keep clients in. */
export function isAffinitySet(name: string, family?: IpFamily): boolean {
  const families = family === undefined ? (['IPv4', 'IPv6'] as const) : [family];
  return families.some((each) => OWN_SET[each].test(name));
}

/** For `ipset restore -exist`: the sets that `next` names and `previous` does not. Rules can only name sets that exist. */
export function renderNewSets(previous: RuleSet | undefined, next: RuleSet): string {
  const known = namesOf(previous);
  return [...(next.sets?.values() ?? [])]
    .filter(({ name }) => !known.has(name))
    .map((set) => renderCreate(set, next.family))
    .join('');
}

/** For `ipset restore -exist`: removes those of `existing` that `next` does not name, which no rule may name any more. */
export function renderGoneSets(existing: Iterable<string>, next: RuleSet): string {
  const wanted = namesOf(next);
  return [...existing]
    .filter((name) => isAffinitySet(name, next.family) && !wanted.has(name))
    .map((name) => `destroy ${name}\n`)
    .join('');
}

export function namesOf(ruleSet: RuleSet | undefined): ReadonlySet<string> {
  return new Set([...(ruleSet?.sets?.values() ?? [])].map(({ name }) => name));
}

function renderCreate({ name, timeoutS = 0 }: NamedSet, family: IpFamily): string {
  const sort = family === 'IPv4' ? 'inet' : 'inet6';
  return `create ${name} hash:ip family ${sort} maxelem ${SET_CLIENTS} timeout ${timeoutS}\n`;
}

/** The same rules without those that name sets: what can be asked of the kernel before the sets are there. */
export function withoutSets(ruleSet: RuleSet): RuleSet {
  if (ruleSet.sets === undefined) return ruleSet;
  const tables = Object.entries(ruleSet.tables).map(
    ([table, chains]) =>
      [
        table,
        new Map(
          [...chains].map(([name, chain]) => [
            name,
            {
              ...chain,
              rules: chain.rules.filter(
                ({ matches, effects }) => effects === undefined && matches.every(({ kind }) => kind !== 'inSet'),
              ),
            },
          ]),
        ),
      ] as const,
  );
  return { family: ruleSet.family, tables: Object.fromEntries(tables) };
}
