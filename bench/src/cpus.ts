import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The CPUs this process may run on: `0-1,4` of /proc/self/status. */
function allowedCpus(): number[] {
  const list = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  return list.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** Changes a command line so that it runs on chosen CPUs. */
export type Pin = (command: readonly string[]) => readonly string[];

export interface Pinning {
  readonly subject: Pin;
  readonly others: Pin;
}

/** One CPU for what is measured, the others for load and backends; undefined with one CPU, or without `taskset`. */
export function pinning(): Pinning | undefined {
  const [first, ...rest] = allowedCpus();
  if (first === undefined || rest.length === 0 || spawnSync('taskset', ['--version']).status !== 0) return undefined;
  return {
    subject: (command) => ['taskset', '-c', String(first), ...command],
    others: (command) => ['taskset', '-c', rest.join(','), ...command],
  };
}
