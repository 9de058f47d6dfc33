import type { IpFamily } from '@steelyard/core/model';
import type { RunTool } from '../apply/kernel-tool.ts';
import { mustRun, runTool } from '../apply/kernel-tool.ts';
import { renderNftChange } from './nft-change.ts';
import { NFT_TABLE } from './nft-frame.ts';
import { nftFamily, renderNftables } from './render-nftables.ts';
import type { RuleApplier } from '../apply/rule-applier.ts';
import type { RuleSet } from '../compile/rule-set.ts';

/** How long kernels before 6.2 may count the references of map elements that are gone (kube-proxy waits as long). */
const STALE_MS = 1000;
/** Least time between two deletions: each costs as much as a small change, and empty chains cost packets nothing. */
const DELETION_MS = 10_000;
const NONE: ReadonlyMap<string, number> = new Map();

export interface NftablesApplierOptions {
  readonly run?: RunTool;
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
}

export function createNftablesApplier(family: IpFamily, options: NftablesApplierOptions = {}): RuleApplier {
  const { run = runTool, now = (): number => performance.now() } = options;
  const table = `${nftFamily(family)} ${NFT_TABLE}`;
  let applied: RuleSet | undefined;
  const stale = new Map<string, number>();
  let nextDeletion = 0;

  async function deleteStale(): Promise<void> {
    const ripe = [...stale].filter(([, since]) => now() - since >= STALE_MS).map(([name]) => name);
    if (ripe.length === 0) return;
    nextDeletion = now() + DELETION_MS;
    const { code } = await run('nft', ['-f', '-'], ripe.map((name) => `delete chain ${table} ${name}\n`).join(''));
    // If they are still in use, they stay empty until the next time.
    for (const name of ripe) if (code === 0) stale.delete(name);
  }

  return {
    get isNew() {
      return applied === undefined;
    },
    async apply(next) {
      for (const name of next.tables[NFT_TABLE]?.keys() ?? []) stale.delete(name);
      const { script, stale: emptied } = renderNftChange(applied, next, NFT_TABLE);
      const complete = applied === undefined;
      if (script === '') return { changed: false, complete, rules: NONE };
      // Unless it is written, nothing is known about the kernel's state.
      applied = undefined;
      await mustRun(run, 'nft', ['-f', '-'], script);
      if (complete) stale.clear();
      for (const name of emptied) stale.set(name, now());
      applied = next;
      if (now() >= nextDeletion) await deleteStale();
      return { changed: true, complete, rules: NONE };
    },
    async check(next) {
      await mustRun(run, 'nft', ['--check', '-f', '-'], renderNftables(next));
    },
    async isIntact() {
      if (applied === undefined) return false;
      await deleteStale();
      // One small chain: the whole table may take seconds to list.
      const [header = '', name = ''] = table.split(' ');
      const { code, stdout } = await run('nft', ['list', 'chain', header, name, 'services']);
      const intact = code === 0 && stdout.includes('@service-ips');
      if (!intact) applied = undefined;
      return intact;
    },
    async cleanup() {
      applied = undefined;
      await mustRun(run, 'nft', ['-f', '-'], `add table ${table}\ndelete table ${table}\n`);
    },
  };
}
