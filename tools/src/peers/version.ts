import { spawnSync } from 'node:child_process';
import type { Command } from './subject-setup.ts';

/** The version that a command prints; undefined when it is not installed, `unknown` when it says none. */
export function versionOf({ command, args }: Command): string | undefined {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) return undefined;
  return /\d+\.\d+(?:\.\d+)?/.exec(stdout + stderr)?.[0] ?? 'unknown';
}
