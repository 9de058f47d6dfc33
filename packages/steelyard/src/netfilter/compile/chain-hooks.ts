import type { Hook, HookedChain } from './rule-set.ts';

function hooked(hook: string, tables: readonly string[]): readonly HookedChain[] {
  return tables.map((table, priority) => ({ table, chain: hook, type: table === 'nat' ? 'nat' : 'filter', priority }));
}

/** The order in which the kernel enters the tables of iptables (iptables(8), TABLES). */
export const IPTABLES_HOOKS: Readonly<Record<Hook, readonly HookedChain[]>> = {
  prerouting: hooked('PREROUTING', ['raw', 'mangle', 'nat']),
  input: hooked('INPUT', ['mangle', 'filter', 'security', 'nat']),
  forward: hooked('FORWARD', ['mangle', 'filter', 'security']),
  output: hooked('OUTPUT', ['raw', 'mangle', 'nat', 'filter', 'security']),
  postrouting: hooked('POSTROUTING', ['mangle', 'nat']),
};
