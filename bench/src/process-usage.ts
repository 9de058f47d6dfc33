import { readdirSync, readFileSync } from 'node:fs';

/** What the threads of a process and of its descendants have used so far. */
export interface ProcessUsage {
  /** User and system time as the scheduler counts it, not rounded to ticks. */
  readonly cpuNanoseconds: number;
  /** User and system time in ticks of the clock, for their shares. */
  readonly userTicks: number;
  readonly systemTicks: number;
}

/** Of process `pid` and its descendants, from /proc/PID/task/TID/schedstat and /proc/PID/stat. */
export function processUsage(pid: number): ProcessUsage {
  let cpuNanoseconds = 0;
  // Behind the name, which may hold blanks: state is the third field, utime the 14th, stime the 15th (proc(5)).
  const fields = readProc(`${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ');
  let userTicks = Number(fields[11]);
  let systemTicks = Number(fields[12]);
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    cpuNanoseconds += Number(readProc(`${pid}/task/${thread}/schedstat`).split(' ')[0]);
  }
  for (const child of children(pid)) {
    const usage = processUsage(child);
    cpuNanoseconds += usage.cpuNanoseconds;
    userTicks += usage.userTicks;
    systemTicks += usage.systemTicks;
  }
  return { cpuNanoseconds, userTicks, systemTicks };
}

/** Resident memory of process `pid` and its descendants, in KiB (VmRSS of /proc/PID/status). */
export function residentKib(pid: number): number {
  const own = Number(/^VmRSS:\s*(\d+)/m.exec(readProc(`${pid}/status`))?.[1] ?? 0);
  return children(pid).reduce((sum, child) => sum + residentKib(child), own);
}

function children(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readProc(`${pid}/task/${thread}/children`)
      .split(' ')
      .filter((child) => child.trim() !== '')
      .map(Number),
  );
}

function readProc(path: string): string {
  return readFileSync(`/proc/${path}`, 'latin1');
}
