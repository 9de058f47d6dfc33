import { readdirSync, readFileSync } from 'node:fs';

/**
 * Nanoseconds that the threads of process `pid` and of its descendants have run, as the scheduler counts them
 * (first field of /proc/PID/task/TID/schedstat; user and system time together, not rounded to ticks).
 */
export function cpuNanoseconds(pid: number): number {
  let total = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${thread}`;
    total += Number(readFileSync(`${folder}/schedstat`, 'latin1').split(' ')[0]);
    for (const child of readFileSync(`${folder}/children`, 'latin1').split(' ')) {
      if (child !== '') total += cpuNanoseconds(Number(child));
    }
  }
  return total;
}

/** The CPUs this process may run on: `0-1,4` of /proc/self/status. */
export function allowedCpus(): number[] {
  const list = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  return list.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
