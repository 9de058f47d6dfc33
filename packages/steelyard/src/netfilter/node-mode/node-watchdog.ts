import { type ChildProcess, spawn } from 'node:child_process';
import type { NodeRuleOptions } from './render-node-rules.ts';
import { renderRemoval, renderStandDown } from './render-node-rules.ts';

/** Takes the rules away when this process ends without having done so. */
export interface NodeWatchdog {
  /** From now on it does nothing. */
  dismiss(): void;
}

/**
 * A shell that waits for the end of its input, which comes however this process ends: so the rules lose their effect within
 * milliseconds of a kill -9, and not only when they time out. It is a help, not a need: killed as well, or where there is no
 * shell, the time-out does it.
 */
export function startNodeWatchdog(
  options: Pick<NodeRuleOptions, 'owner'>,
  onFailure: (why: string) => void,
): NodeWatchdog {
  const script = [
    'read -r word',
    '[ "$word" = dismissed ] && exit 0',
    'printf "%s" "$STAND_DOWN" | nft -f -',
    // What the kernel has still to say on connections of the dead process is translated by the rules' NAT.
    'sleep 1',
    'printf "%s" "$REMOVAL" | nft -f -',
  ].join('\n');
  // A group of its own: what kills ours, as Ctrl-C does, leaves it.
  const child: ChildProcess = spawn('sh', ['-c', script], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...process.env, STAND_DOWN: renderStandDown(options), REMOVAL: renderRemoval() },
  });
  child.on('error', (error) => onFailure(error.message));
  child.stdin?.on('error', () => undefined);
  child.unref();
  return { dismiss: () => void child.stdin?.end('dismissed\n') };
}
