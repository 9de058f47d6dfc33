import type { IpFamily } from '@steelyard/core/model';
import type { DumpFinding, ParsedDump } from '../trace/dump-finding.ts';
import { emptyRecord } from '../apply/empty-record.ts';
import { fieldOf, listOf, numberOf, pathOf, textOf } from '../json-value.ts';
import { canonicalAddress } from '../compile/network.ts';
import { parseNetwork } from './parse-nft-match.ts';
import { parseNftRule, parseVerdict } from './parse-nft-statement.ts';
import type { Chain, Hook, HookedChain, NamedSet, Rule, SetElement } from '../compile/rule-set.ts';
import { setKey } from '../compile/rule-set.ts';
import { splitNftObjects } from './split-nft-objects.ts';

interface OpenRuleSet {
  readonly family: IpFamily;
  readonly tables: Record<string, Map<string, Chain & { readonly rules: Rule[] }>>;
  readonly hooks: Record<Hook, HookedChain[]>;
  readonly sets: Map<string, NamedSet>;
}

const HOOKS: readonly Hook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting'];

/**
 * Reads what `nft -j list ruleset` (or `list table …`) printed, whoever wrote the rules, kube-proxy's three shapes of
 * balancing and iptables-nft's spelling included. Never throws: what is not understood is kept as not applying, and an
 * end in the middle is named in the findings.
 */
export function parseNft(text: string): ParsedDump {
  const findings: DumpFinding[] = [];
  const objects = splitNftObjects(text, findings);
  const open = { ip: openRuleSet('IPv4'), ip6: openRuleSet('IPv6') };
  for (const object of objects) {
    const kind = ['chain', 'set', 'map', 'rule'].find((name) => fieldOf(object, name) !== undefined);
    const body = fieldOf(object, kind ?? '');
    const family = fieldOf(body, 'family');
    for (const ruleSet of targetsOf(open, family)) {
      if (kind === 'chain') addChain(ruleSet, body, family === 'inet');
      else if (kind === 'rule') addRule(ruleSet, body, family === 'inet');
      else if (kind !== undefined) addSet(ruleSet, body, kind === 'map' ? 'map' : 'set', family === 'inet');
    }
  }
  if (objects.some(hasExtensionTarget)) {
    const message = 'nft does not tell what rules of iptables-nft do in the end; dump those with iptables-save.';
    findings.push({ message });
  }
  const ruleSets = [open.ip, open.ip6].filter(({ tables }) => Object.keys(tables).length > 0);
  for (const ruleSet of ruleSets) {
    for (const hook of HOOKS) ruleSet.hooks[hook].sort((a, b) => a.priority - b.priority);
    addMissingChains(ruleSet, findings);
  }
  return { ruleSets, findings };
}

function hasExtensionTarget(object: unknown): boolean {
  const expressions = listOf(pathOf(object, 'rule', 'expr')) ?? [];
  return expressions.some((expression) => pathOf(expression, 'xt', 'type') === 'target');
}

function openRuleSet(family: IpFamily): OpenRuleSet {
  const hooks = { prerouting: [], input: [], forward: [], output: [], postrouting: [] };
  return { family, tables: emptyRecord(), hooks, sets: new Map() };
}

/** Tables of the family `inet` see packets of both. */
function targetsOf(
  open: { readonly ip: OpenRuleSet; readonly ip6: OpenRuleSet },
  family: unknown,
): readonly OpenRuleSet[] {
  if (family === 'ip') return [open.ip];
  if (family === 'ip6') return [open.ip6];
  return family === 'inet' ? [open.ip, open.ip6] : [];
}

/** One namespace for the tables of `inet` and of the family itself, which may have the same names. */
function tableOf(body: unknown, isInet: boolean): string {
  const name = textOf(fieldOf(body, 'table')) ?? '';
  return isInet ? `inet ${name}` : name;
}

function chainOf(ruleSet: OpenRuleSet, table: string, name: string): Chain & { readonly rules: Rule[] } {
  const chains = (ruleSet.tables[table] ??= new Map());
  const found = chains.get(name) ?? { name, builtIn: false, rules: [] };
  chains.set(name, found);
  return found;
}

function addChain(ruleSet: OpenRuleSet, body: unknown, isInet: boolean): void {
  const table = tableOf(body, isInet);
  const name = textOf(fieldOf(body, 'name')) ?? '';
  const hook = HOOKS.find((each) => each === fieldOf(body, 'hook'));
  const before = chainOf(ruleSet, table, name);
  if (hook === undefined) return;
  const drops = fieldOf(body, 'policy') === 'drop' && { policy: 'drop' as const };
  ruleSet.tables[table]?.set(name, { ...before, builtIn: true, ...drops });
  const type = fieldOf(body, 'type');
  const priority = numberOf(fieldOf(body, 'prio')) ?? 0;
  ruleSet.hooks[hook].push({
    table,
    chain: name,
    type: type === 'nat' || type === 'route' ? type : 'filter',
    priority,
  });
}

function addRule(ruleSet: OpenRuleSet, body: unknown, isInet: boolean): void {
  const expressions = listOf(fieldOf(body, 'expr')) ?? [];
  const rule = parseNftRule(expressions, textOf(fieldOf(body, 'comment')));
  chainOf(ruleSet, tableOf(body, isInet), textOf(fieldOf(body, 'chain')) ?? '').rules.push(rule);
}

function addSet(ruleSet: OpenRuleSet, body: unknown, kind: 'set' | 'map', isInet: boolean): void {
  const name = textOf(fieldOf(body, 'name')) ?? '';
  const type = fieldOf(body, 'type');
  const keyTypes = (listOf(type) ?? [type]).flatMap((each) => textOf(each) ?? []);
  const elements = new Map<string, SetElement>();
  const networks: string[] = [];
  for (const entry of listOf(fieldOf(body, 'elem')) ?? []) {
    const [key, value] = kind === 'map' ? (listOf(entry) ?? []) : [entry];
    const inner = pathOf(key, 'elem', 'val') ?? key;
    const comment = textOf(pathOf(key, 'elem', 'comment'));
    const verdict = kind === 'map' ? parseVerdict(value) : undefined;
    const text = keyOf(inner);
    if (text === undefined) {
      const network = parseNetwork(inner);
      if (network !== undefined) networks.push(network);
    } else elements.set(text, { ...(verdict !== undefined && { verdict }), ...(comment !== undefined && { comment }) });
  }
  const timeoutS = numberOf(fieldOf(body, 'timeout'));
  const comment = textOf(fieldOf(body, 'comment'));
  ruleSet.sets.set(setKey(tableOf(body, isInet), name), {
    name,
    kind,
    keyTypes,
    ...(timeoutS !== undefined && { timeoutS }),
    ...(comment !== undefined && { comment }),
    elements,
    ...(networks.length > 0 && { networks }),
  });
}

function keyOf(value: unknown): string | undefined {
  const parts = (listOf(fieldOf(value, 'concat')) ?? [value]).map((part) =>
    typeof part === 'number' ? String(part) : typeof part === 'string' ? canonicalAddress(part) : undefined,
  );
  return parts.every((part): part is string => part !== undefined) ? parts.join(' . ') : undefined;
}

/** The kernel loads no jump into nowhere; a dump that was cut has some. */
function addMissingChains(ruleSet: OpenRuleSet, findings: DumpFinding[]): void {
  const missing = new Set<string>();
  const expectChain = (table: string, chain: string): void => {
    if (ruleSet.tables[table]?.has(chain) === true) return;
    missing.add(chain);
    chainOf(ruleSet, table, chain);
  };
  for (const [table, chains] of Object.entries(ruleSet.tables)) {
    for (const chain of chains.values())
      for (const rule of chain.rules) for (const name of chainsOf(rule)) expectChain(table, name);
    for (const [key, set] of ruleSet.sets) {
      if (key !== setKey(table, set.name)) continue;
      for (const { verdict } of set.elements.values()) {
        if (verdict?.kind === 'jump' || verdict?.kind === 'goto') expectChain(table, verdict.chain);
      }
    }
  }
  const [first] = missing;
  if (first === undefined) return;
  const more = missing.size > 1 ? ` and ${missing.size - 1} more` : '';
  findings.push({ message: `Rules jump to ${first}${more}, which the dump does not have: taken as empty.` });
}

function chainsOf({ verdict }: Rule): readonly string[] {
  const all = verdict.kind === 'share' ? verdict.choices : [verdict];
  return all.flatMap((each) => (each?.kind === 'jump' || each?.kind === 'goto' ? [each.chain] : []));
}
