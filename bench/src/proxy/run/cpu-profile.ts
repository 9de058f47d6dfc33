import { fileURLToPath } from 'node:url';
import { median } from '../../statistics.ts';

/** The parts of V8's .cpuprofile that are looked at. Times in microseconds. */
interface CpuProfile {
  /** On the monotonic clock of the machine. */
  readonly startTime: number;
  readonly nodes: readonly ProfileNode[];
  /** Node by sample. */
  readonly samples: readonly number[];
  /** Before each sample. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

/** Time in a function itself, without those it calls. */
export interface SelfTime {
  /** Name and place, or V8's own word as `(garbage collector)`. */
  readonly what: string;
  /** Of the time that was not idle, 0–1. */
  readonly share: number;
}

const SHOWN = 30;

/** Throws when it is no profile. */
export function parseCpuProfile(text: string): CpuProfile {
  const value: unknown = JSON.parse(text);
  if (isCpuProfile(value)) return value;
  throw new Error('the CPU profile is not one');
}

function isCpuProfile(value: unknown): value is CpuProfile {
  return (
    typeof value === 'object' &&
    value !== null &&
    'startTime' in value &&
    typeof value.startTime === 'number' &&
    'nodes' in value &&
    Array.isArray(value.nodes) &&
    'samples' in value &&
    Array.isArray(value.samples) &&
    'timeDeltas' in value &&
    Array.isArray(value.timeDeltas)
  );
}

/** Self times while the program was not idle between two times of the monotonic clock, most first. */
export function selfTimes(profile: CpuProfile, fromMicros: number, toMicros: number): SelfTime[] {
  const { nodes, samples, timeDeltas, startTime } = profile;
  // A sample that comes late was not running meanwhile: another process had its CPU.
  const longest = 3 * median(timeDeltas);
  const names = new Map(nodes.map((node) => [node.id, nameOf(node)]));
  const times = new Map<string, number>();
  let total = 0;
  let at = startTime;
  for (const [index, sample] of samples.entries()) {
    at += timeDeltas[index] ?? 0;
    const name = names.get(sample) ?? '(unknown)';
    if (at < fromMicros || at > toMicros || name === '(idle)') continue;
    // The time up to the next sample is this one's.
    const time = Math.min(timeDeltas[index + 1] ?? 0, longest);
    total += time;
    times.set(name, (times.get(name) ?? 0) + time);
  }
  return [...times].map(([what, time]) => ({ what, share: time / total })).toSorted((a, b) => b.share - a.share);
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  if (url === '') return functionName;
  const path = url.startsWith('file:') ? fileURLToPath(url).replace(/^.*\/(?:dist|node_modules)\//, '') : url;
  return `${functionName === '' ? '(anonymous)' : functionName} ${path}:${lineNumber + 1}`;
}

export function renderProfile(title: string, times: readonly SelfTime[], systemShare: number): string {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`.padStart(7);
  const lines = times.slice(0, SHOWN).map(({ what, share }) => `${percent(share)}  ${what}\n`);
  return `${title}\n${percent(systemShare)}  of its CPU time is spent in the kernel; by function:\n${lines.join('')}`;
}
