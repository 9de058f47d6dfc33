import type { DumpFinding, ParsedDump } from '../trace/dump-finding.ts';
import { emptyRecord } from '../apply/empty-record.ts';
import { WordReader, wordsOf } from './iptables-line.ts';
import { endRecent, parseMatchOption, RuleParts } from './parse-iptables-match.ts';
import { parseEffect, parseTarget } from './parse-iptables-target.ts';
import type { Chain, Effect, Match, Rule, Verdict } from '../compile/rule-set.ts';

/** What a chain is while its rules are read. */
interface OpenChain {
  readonly name: string;
  readonly builtIn: boolean;
  readonly policy?: 'accept' | 'drop';
  readonly rules: Rule[];
}

const BUILT_IN: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);
const MOST_FINDINGS = 20;

/**
 * Reads what `iptables-save` or `ip6tables-save` printed, of the legacy or the nft variant, whoever wrote the rules.
 * Never throws: lines that cannot be read are left out and named in the findings, as is an end in the middle.
 */
export function parseIptablesSave(text: string): ParsedDump {
  const tables = emptyRecord<Map<string, OpenChain>>();
  const findings: DumpFinding[] = [];
  const report = (line: number, message: string): void => {
    if (findings.length < MOST_FINDINGS) findings.push({ line, message });
  };
  let table: Map<string, OpenChain> | undefined;
  let committed = true;
  let isIPv6 = false;
  let number = 0;
  for (const line of linesOf(text)) {
    number++;
    const first = line.charCodeAt(0);
    if (line === '' || line === 'COMMIT') {
      if (line !== '') committed = true;
    } else if (first === HASH) {
      if (/legacy tables present/.test(line)) {
        report(number, 'The host has rules of iptables-legacy too, which this dump does not show; dump them as well.');
      }
    } else if (first === STAR) {
      const name = line.slice(1).trim();
      table = tables[name] ??= new Map();
      committed = false;
    } else if (table === undefined) {
      report(number, 'This line stands before the first table and is left out.');
    } else if (first === COLON) {
      declareChain(table, line);
    } else {
      const rule = parseRuleLine(line);
      if (rule === undefined) report(number, `This line is no rule and is left out: ${line.slice(0, 60)}`);
      else {
        chainOf(table, rule.chain).rules.push(rule.rule);
        isIPv6 ||= rule.isIPv6;
      }
    }
  }
  if (!committed) findings.push({ message: 'The dump ends in the middle of a table: what follows is missing.' });
  addMissingChains(tables, findings);
  const ruleSet = { family: isIPv6 ? ('IPv6' as const) : ('IPv4' as const), tables: asChains(tables) };
  return { ruleSets: [ruleSet], findings };
}

const HASH = 35;
const STAR = 42;
const COLON = 58;

function* linesOf(text: string): Generator<string> {
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf('\n', start);
    const stop = end < 0 ? text.length : end;
    yield text.slice(start, stop).trim();
    start = stop + 1;
  }
}

/** `:FORWARD DROP [0:0]`, `:KUBE-SERVICES - [0:0]` */
function declareChain(table: Map<string, OpenChain>, line: string): void {
  const [name = '', policy] = line.slice(1).split(' ');
  const drops = policy === 'DROP' && { policy: 'drop' as const };
  if (!table.has(name)) table.set(name, { name, builtIn: BUILT_IN.has(name), rules: [], ...drops });
}

function chainOf(table: Map<string, OpenChain>, name: string): OpenChain {
  const found = table.get(name) ?? { name, builtIn: BUILT_IN.has(name), rules: [] };
  table.set(name, found);
  return found;
}

interface RuleLine {
  readonly chain: string;
  readonly rule: Rule;
  readonly isIPv6: boolean;
}

function parseRuleLine(line: string): RuleLine | undefined {
  const all = wordsOf(line);
  // With `-c`, counters come first.
  const start = all[0]?.startsWith('[') === true ? 1 : 0;
  const chain = all[start + 1];
  if (all[start] !== '-A' || chain === undefined) return undefined;
  const words = new WordReader(all, start + 2);
  const parts = new RuleParts();
  const effects: Effect[] = [];
  let verdict: Verdict = { kind: 'none' };
  while (!words.done) {
    const word = words.take();
    const negated = word === '!';
    const option = negated ? words.take() : word;
    if (option === '-j' || option === '--jump') {
      const target = words.take();
      const effect = parseEffect(target, words);
      if (effect === undefined) verdict = parseTarget(target, words);
      else effects.push(effect);
    } else if (option === '-g' || option === '--goto') verdict = { kind: 'goto', chain: words.take() };
    else if (!parseMatchOption(option, negated, words, parts)) parts.strange.push(negated ? `! ${option}` : option);
  }
  endRecent(parts);
  const matches: Match[] = parts.matches;
  if (parts.strange.length > 0) matches.push({ kind: 'unknown', text: parts.strange.join(' ') });
  return {
    chain,
    rule: { matches, ...(effects.length > 0 && { effects }), verdict },
    isIPv6: matches.some(isIPv6Match),
  };
}

function isIPv6Match(match: Match): boolean {
  return (match.kind === 'source' || match.kind === 'destination') && match.network.includes(':');
}

/** The kernel loads no jump into nowhere; a dump that was cut has some. */
function addMissingChains(tables: Record<string, Map<string, OpenChain>>, findings: DumpFinding[]): void {
  const missing: string[] = [];
  for (const chains of Object.values(tables)) {
    for (const chain of chains.values()) {
      for (const { verdict } of chain.rules) {
        if ((verdict.kind !== 'jump' && verdict.kind !== 'goto') || chains.has(verdict.chain)) continue;
        missing.push(verdict.chain);
        chains.set(verdict.chain, { name: verdict.chain, builtIn: false, rules: [] });
      }
    }
  }
  if (missing.length === 0) return;
  const [first = ''] = missing;
  const more = missing.length > 1 ? ` and ${missing.length - 1} more` : '';
  findings.push({ message: `Rules jump to ${first}${more}, which the dump does not have: taken as empty.` });
}

function asChains(tables: Record<string, Map<string, OpenChain>>): Record<string, ReadonlyMap<string, Chain>> {
  return tables;
}
