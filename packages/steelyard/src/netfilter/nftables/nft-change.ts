import {
  nftFamily,
  renderNftables,
  renderNftChain,
  renderNftElements,
  renderNftRules,
  renderNftSet,
} from './render-nftables.ts';
import type { Chain, NamedSet, RuleSet, SetElement } from '../compile/rule-set.ts';
import { setKey } from '../compile/rule-set.ts';

export interface NftChange {
  /** For `nft -f`; empty: nothing to do. */
  readonly script: string;
  /**
   * Chains that nothing leads to any more. They are emptied by the script, and can be deleted a second later: kernels
   * before 6.2 count the references of removed map elements for a moment longer.
   */
  readonly stale: readonly string[];
}

/** From `previous` to `next` in one transaction whose size follows the change; all of the table without `previous`. */
export function renderNftChange(previous: RuleSet | undefined, next: RuleSet, table: string): NftChange {
  if (previous === undefined || !isComparable(previous, next, table)) {
    return { script: renderNftables(next), stale: [] };
  }
  const name = `${nftFamily(next.family)} ${table}`;
  const created: string[] = [];
  const removed: string[] = [];
  const rules: string[] = [];
  const stale: string[] = [];
  const before = previous.tables[table] ?? new Map<string, Chain>();
  const after = next.tables[table] ?? new Map<string, Chain>();
  for (const chain of after.values()) {
    const old = before.get(chain.name);
    if (old === chain) continue;
    const lines = renderNftRules(next, table, chain);
    if (old !== undefined && renderNftRules(previous, table, old).join('\n') === lines.join('\n')) continue;
    // Also when it is new: it may be one that went a moment ago.
    created.push(renderNftChain(next, table, chain), `flush chain ${name} ${chain.name}`);
    rules.push(...lines);
  }
  for (const chain of before.keys()) {
    if (after.has(chain)) continue;
    removed.push(`flush chain ${name} ${chain}`);
    stale.push(chain);
  }
  const elements: string[] = [];
  const gone: string[] = [];
  for (const [key, set] of next.sets ?? []) {
    const old = previous.sets?.get(key);
    if (old === set) continue;
    if (old === undefined) created.push(renderNftSet(name, set));
    const { added, deleted } = elementChange(old?.elements ?? new Map<string, SetElement>(), set.elements);
    removed.push(...renderNftElements(name, set, deleted, 'delete'));
    elements.push(...renderNftElements(name, set, added));
  }
  for (const [key, set] of previous.sets ?? []) {
    if (next.sets?.has(key) !== true) gone.push(`delete ${set.kind} ${name} ${set.name}`);
  }
  const lines = [...created, ...removed, ...elements, ...rules, ...gone];
  return { script: lines.length === 0 ? '' : `${lines.join('\n')}\n`, stale };
}

/** Definitions of sets cannot be changed in place. */
function isComparable(previous: RuleSet, next: RuleSet, table: string): boolean {
  if (previous.family !== next.family) return false;
  const definition = ({ kind, keyTypes, timeoutS, comment }: NamedSet): string =>
    JSON.stringify([kind, keyTypes, timeoutS, comment]);
  for (const set of previous.sets?.values() ?? []) {
    const other = next.sets?.get(setKey(table, set.name));
    if (other !== undefined && other !== set && definition(set) !== definition(other)) return false;
  }
  return true;
}

function elementChange(
  before: ReadonlyMap<string, SetElement>,
  after: ReadonlyMap<string, SetElement>,
): { readonly added: Map<string, SetElement>; readonly deleted: Map<string, SetElement> } {
  const added = new Map<string, SetElement>();
  const deleted = new Map<string, SetElement>();
  for (const [key, element] of after) {
    const old = before.get(key);
    if (old !== undefined && isSameElement(old, element)) continue;
    if (old !== undefined) deleted.set(key, old);
    added.set(key, element);
  }
  for (const [key, element] of before) if (!after.has(key)) deleted.set(key, element);
  return { added, deleted };
}

function isSameElement(a: SetElement, b: SetElement): boolean {
  return a === b || (a.comment === b.comment && JSON.stringify(a.verdict) === JSON.stringify(b.verdict));
}
