import type { SubjectName } from '@steelyard/tools/peers';
import type { Spread } from '../../statistics.ts';

/** Changes when a field changes its meaning. */
export const FORMAT = 'steelyard-bench-proxy/3';

/** What a run found, as it is kept in JSON. */
export interface ProxyReport {
  readonly format: typeof FORMAT;
  /** ISO 8601. */
  readonly date: string;
  /** By name: node, ours, the peers. */
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: Machine;
  readonly rounds: number;
  readonly seconds: number;
  /** Route rules that our proxy had ahead of the one that takes the calls, while CPU time was measured. */
  readonly rules: number;
  /** Peers that are not installed. */
  readonly missing: readonly SubjectName[];
  readonly cells: readonly Cell[];
  readonly ratios: readonly Ratio[];
  readonly openLoop: OpenLoopReport | null;
  readonly memory: readonly MemoryRow[];
  readonly bars: readonly Bar[];
}

export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  readonly kernel: string;
  readonly memoryGib: number;
  /** Whether what is measured had a CPU of its own. */
  readonly pinned: boolean;
}

/** One subject in one shape. */
export interface Cell {
  readonly shape: string;
  readonly upstreams: number;
  readonly subject: SubjectName;
  /** Why there is no figure: a call failed, or it did not start. */
  readonly void: string | null;
  readonly figure: Figure | null;
}

/** Over the rounds. */
export interface Figure {
  readonly cpuMicrosPerCall: Spread;
  readonly callsPerSecond: number;
  /** Of its CPU, 0–1: near 1 it was the bottleneck. */
  readonly busy: number;
  /** Of its CPU time, in the kernel, 0–1. */
  readonly systemShare: number;
  /** Null where single messages are not timed. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Calls of the upstream that had the fewest over what is even. */
  readonly leastShare: number;
}

/** Our CPU time per call over a peer's, within each round: below 1 we are cheaper. */
export interface Ratio {
  readonly shape: string;
  readonly upstreams: number;
  readonly peer: SubjectName;
  readonly ratio: Spread;
}

export interface OpenLoopReport {
  /** Half of what nghttpx bears, or of ours without it. */
  readonly callsPerSecond: number;
  /** Whose saturation that is half of. */
  readonly halfOf: SubjectName;
  readonly connections: number;
  readonly rows: readonly LatencyRow[];
  readonly gc: GcReport | null;
}

export interface LatencyRow {
  /** `direct`: callers and backend without a proxy. */
  readonly subject: SubjectName | 'direct';
  readonly void: string | null;
  /** Medians over the rounds, as callers saw them. */
  readonly latency: LatencyQuantiles | null;
  /** Medians over the rounds of what it is above direct in the same round. */
  readonly added: LatencyQuantiles | null;
}

export interface LatencyQuantiles {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

/** Pauses of our process while latency was measured. */
export interface GcReport {
  readonly pauses: number;
  readonly seconds: number;
  readonly mostMs: number;
  readonly totalMs: number;
  /** Of the calls, 0–1, those that came while a pause of more than 5 ms went on. */
  readonly shareInLongPauses: number;
}

export interface MemoryRow {
  readonly subject: SubjectName;
  readonly void: string | null;
  readonly connections: number;
  readonly kibPerConnection: number | null;
  /** Resident with the connections and a thousand calls a second over them. */
  readonly busyMib: number | null;
}

export interface Bar {
  readonly what: string;
  readonly limit: number;
  readonly unit: string;
  /** Null when it could not be measured. */
  readonly value: number | null;
  readonly met: boolean;
}

export function isProxyReport(value: unknown): value is ProxyReport {
  return typeof value === 'object' && value !== null && 'format' in value && value.format === FORMAT;
}
