import type { IpFamily } from '@steelyard/core/model';
import { compileRuleSet } from '../compile/compile-rule-set.ts';
import { iptablesJumps, isPortChain, renderIptablesChange } from './iptables-change.ts';
import { isAffinitySet, namesOf, renderGoneSets, renderNewSets, withoutSets } from './ipset-change.ts';
import { wordsOf } from './iptables-line.ts';
import { parseIptablesSave } from './parse-iptables-save.ts';
import { renderIptablesChain } from './render-iptables.ts';
import type { RunTool } from '../apply/kernel-tool.ts';
import { mustRun, runTool } from '../apply/kernel-tool.ts';
import type { RuleApplier } from '../apply/rule-applier.ts';
import type { RuleSet } from '../compile/rule-set.ts';

/** Seconds to wait for another user of the tables (iptables(8), `--wait`). */
const WAIT = ['-w', '5'];
/** Whoever flushes the tables flushes it too; kube-proxy's has the same name (`KUBE-PROXY-CANARY`). */
const CANARY = 'KUBE-PROXY-CANARY';

export function createIptablesApplier(family: IpFamily, run: RunTool = runTool): RuleApplier {
  const prefix = family === 'IPv4' ? 'iptables' : 'ip6tables';
  let applied: RuleSet | undefined;

  async function existingChains(table: string): Promise<ReadonlySet<string>> {
    return declaredIn(await mustRun(run, `${prefix}-save`, ['-t', table]));
  }

  /** What a first sync writes: as kube-proxy, it leaves the rules of others where they are. */
  async function completeChange(next: RuleSet): Promise<string> {
    const additions = new Map<string, readonly string[]>();
    let existing: ReadonlySet<string> = new Set();
    for (const table of Object.keys(next.tables)) {
      const saved = await mustRun(run, `${prefix}-save`, ['-t', table]);
      if (table === 'nat') existing = declaredIn(saved);
      const present = builtInRules(saved, family);
      const missing = iptablesJumps(next).filter(
        (jump) => jump.table === table && !present.has(`-A ${jump.chain} ${jump.rule}`),
      );
      additions.set(
        table,
        missing.map(({ chain, rule }) => `-I ${chain} ${rule}`),
      );
    }
    const canary = existing.has(CANARY) ? [] : [`-N ${CANARY}`];
    additions.set('nat', [...canary, ...(additions.get('nat') ?? [])]);
    return renderIptablesChange(undefined, next, existing, additions);
  }

  /** Of this family. None where ipset(8) is missing, unless the rules need it. */
  async function existingSets(next: RuleSet): Promise<readonly string[]> {
    const list = run('ipset', ['list', '-name']);
    const { stdout } = next.sets === undefined ? await list.catch(() => ({ stdout: '' })) : await list;
    return stdout.split('\n').filter((name) => isAffinitySet(name, family));
  }

  async function destroySets(existing: Iterable<string>, next: RuleSet): Promise<void> {
    const text = renderGoneSets(existing, next);
    if (text !== '') await mustRun(run, 'ipset', ['restore', '-exist'], text);
  }

  return {
    get isNew() {
      return applied === undefined;
    },
    async apply(next) {
      const complete = applied === undefined;
      const text = applied === undefined ? await completeChange(next) : renderIptablesChange(applied, next);
      if (text === '') return { changed: false, complete, rules: new Map() };
      const before = applied;
      const newSets = renderNewSets(before, next);
      if (newSets !== '') await mustRun(run, 'ipset', ['restore', '-exist'], newSets);
      // Unless it is written, nothing is known about the kernel's state.
      applied = undefined;
      await mustRun(run, `${prefix}-restore`, [...WAIT, '--noflush', '--counters'], text);
      applied = next;
      await destroySets(before === undefined ? await existingSets(next) : namesOf(before), next);
      return { changed: true, complete, rules: rulesIn(text) };
    },
    async check(next) {
      const text = renderIptablesChange(undefined, withoutSets(next));
      await mustRun(run, `${prefix}-restore`, [...WAIT, '--noflush', '--test'], text);
    },
    async isIntact() {
      if (applied === undefined) return false;
      const { code } = await run(prefix, [...WAIT, '-t', 'nat', '-S', CANARY]);
      if (code !== 0) applied = undefined;
      return code === 0;
    },
    async cleanup() {
      applied = undefined;
      // Any rule set has the jumps and the shared chains.
      const empty = compileRuleSet({ services: new Map() }, { family });
      for (const { table, chain, rule } of iptablesJumps(empty)) {
        const args = [...WAIT, '-t', table, '-D', chain, ...wordsOf(rule)];
        // There may be several, from before.
        while ((await run(prefix, args)).code === 0);
      }
      for (const [table, chains] of Object.entries(empty.tables)) {
        const existing = await existingChains(table);
        const ours = new Set([...chains.values()].filter(({ builtIn }) => !builtIn).map(({ name }) => name));
        // The kubelet writes this one too, and needs it.
        if (existing.has('KUBE-KUBELET-CANARY')) ours.delete('KUBE-FIREWALL');
        const gone = [...existing].filter((name) => ours.has(name) || name === CANARY || isPortChain(name));
        if (gone.length === 0) continue;
        const lines = [
          `*${table}`,
          ...gone.map((name) => `:${name} - [0:0]`),
          ...gone.map((name) => `-X ${name}`),
          'COMMIT',
        ];
        await mustRun(run, `${prefix}-restore`, [...WAIT, '--noflush'], `${lines.join('\n')}\n`);
      }
      await destroySets(await existingSets(empty), empty);
    },
  };
}

/** How many rules a text for `iptables-restore` adds to each table. */
function rulesIn(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  let table = '';
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at);
    if (text.startsWith('*', at)) table = text.slice(at + 1, end);
    else if (text.startsWith('-A ', at)) counts.set(table, (counts.get(table) ?? 0) + 1);
    at = end + 1;
  }
  return counts;
}

function declaredIn(saved: string): ReadonlySet<string> {
  return new Set([...saved.matchAll(/^:(\S+)/gm)].map(([, name = '']) => name));
}

/** The rules of the kernel's own chains, in our spelling. */
function builtInRules(saved: string, family: IpFamily): ReadonlySet<string> {
  const lines = saved
    .split('\n')
    .filter((line) => /^(\*|-A (PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING) )/.test(line));
  const chains = parseIptablesSave(lines.join('\n')).ruleSets.flatMap(({ tables }) => Object.values(tables));
  return new Set(chains.flatMap((each) => [...each.values()].flatMap((chain) => renderIptablesChain(chain, family))));
}
