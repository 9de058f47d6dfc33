import { spawnSync } from 'node:child_process';
import { LabError } from '../lab-error.ts';

export type KernelMode = 'iptables' | 'nftables';

/** @throws LabError with what is missing */
export function requireKernelTools(mode: KernelMode): void {
  if (process.platform !== 'linux') throw new LabError('--kernel: needs Linux');
  if (process.getuid?.() !== 0) throw new LabError('--kernel: needs root, for network namespaces: run it with sudo');
  const rules = mode === 'iptables' ? ['iptables-save', 'iptables-restore'] : [];
  for (const tool of ['unshare', 'nsenter', 'ip', 'nft', ...rules]) {
    if (spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined) continue;
    const other = tool.startsWith('iptables') ? ', or say --kernel nftables' : '';
    throw new LabError(
      `--kernel: no ${tool} on the PATH: install it (util-linux, iproute2, nftables, iptables)${other}`,
    );
  }
}
