import { readFileSync } from 'node:fs';

/** Resident memory of a process (VmRSS of /proc/PID/status, in KiB there). */
export function residentBytes(pid: number): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  if (kib === undefined) throw new Error(`process ${pid} is gone`);
  return Number(kib) * 1024;
}
