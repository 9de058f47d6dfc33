import { renderIptablesChain } from './render-iptables.ts';
import type { Chain, RuleSet, TableName } from '../compile/rule-set.ts';

/** Chains that we alone write, one set per Service port: those that are no longer there are removed. */
const PORT_CHAIN = /^KUBE-(SVC|SVL|EXT|FW|SEP)-[A-Z2-7]{16}$/;

export function isPortChain(name: string): boolean {
  return PORT_CHAIN.test(name);
}

/**
 * What `iptables-restore --noflush` must read to get from `previous` to `next`, in one transaction: the chains that differ,
 * written whole, and the removal of those that are gone. Without `previous` everything is written, and of `existing` (the
 * nat chains in the kernel) the port chains that are not in `next` are removed. `additions` are lines to put at the end of a
 * table's part. Empty text: nothing to do.
 */
export function renderIptablesChange(
  previous: RuleSet | undefined,
  next: RuleSet,
  existing: ReadonlySet<string> = new Set(),
  additions: ReadonlyMap<TableName, readonly string[]> = new Map(),
): string {
  const tables = Object.keys(next.tables).map((table) =>
    tableChange(previous, next, table, existing, additions.get(table) ?? []),
  );
  return tables.join('');
}

function tableChange(
  previous: RuleSet | undefined,
  next: RuleSet,
  table: TableName,
  existing: ReadonlySet<string>,
  additions: readonly string[],
): string {
  const before = previous?.tables[table];
  const declared: string[] = [];
  const rules: string[] = [];
  for (const [name, chain] of next.tables[table] ?? []) {
    if (chain.builtIn) continue;
    const old = before?.get(name);
    if (old === chain || (old !== undefined && hasSameRules(old, chain))) continue;
    const lines = renderIptablesChain(chain, next.family);
    if (old !== undefined && renderIptablesChain(old, next.family).join('\n') === lines.join('\n')) continue;
    declared.push(`:${name} - [0:0]`);
    rules.push(...lines);
  }
  const candidates = previous === undefined ? (table === 'nat' ? existing : []) : (before?.keys() ?? []);
  for (const name of candidates) {
    if (!isPortChain(name) || next.tables[table]?.has(name) === true) continue;
    // A chain line empties the chain; then nothing keeps it.
    declared.push(`:${name} - [0:0]`);
    rules.push(`-X ${name}`);
  }
  if (declared.length + additions.length === 0) return '';
  return `${[`*${table}`, ...declared, ...rules, ...additions, 'COMMIT'].join('\n')}\n`;
}

/** The very same rules: those that were compiled from what did not change. */
function hasSameRules(a: Chain, b: Chain): boolean {
  return a.rules.length === b.rules.length && a.rules.every((rule, index) => rule === b.rules[index]);
}

/** The jumps out of the kernel's own chains as arguments of `iptables`, in the order in which to insert them at the top. */
export function iptablesJumps(
  ruleSet: RuleSet,
): readonly { readonly table: TableName; readonly chain: string; readonly rule: string }[] {
  return Object.entries(ruleSet.tables).flatMap(([table, chains]) =>
    [...chains.values()]
      .filter(({ builtIn }) => builtIn)
      .flatMap((chain) =>
        renderIptablesChain(chain, ruleSet.family)
          .toReversed()
          .map((line) => ({ table, chain: chain.name, rule: line.slice(`-A ${chain.name} `.length) })),
      ),
  );
}
