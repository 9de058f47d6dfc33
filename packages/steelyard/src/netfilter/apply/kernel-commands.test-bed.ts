// Commands of the system that tests start where they are installed, and what keeps tests from starting them.
import { spawnSync } from 'node:child_process';

export const COMMANDS = {
  ip: 'ip',
  nft: 'nft',
  iptables: 'iptables',
  iptablesSave: 'iptables-save',
  unshare: 'unshare',
  kubeProxy: 'kube-proxy',
  conntrack: 'conntrack',
  ipset: 'ipset',
} as const;

/** Why a suite that needs its own network namespace cannot run here; `false` when it can. */
export function lacks(...others: readonly (keyof typeof COMMANDS)[]): string | false {
  if (process.getuid?.() !== 0) return 'skipped: needs root';
  for (const name of ['unshare', 'ip', 'iptablesSave', 'nft', ...others] as const) {
    if (spawnSync(COMMANDS[name], ['--help']).error !== undefined) return `skipped: no ${COMMANDS[name]} on the PATH`;
  }
  if (spawnSync(COMMANDS.unshare, ['-n', 'true']).status !== 0) return 'skipped: no network namespace can be made here';
  return false;
}
