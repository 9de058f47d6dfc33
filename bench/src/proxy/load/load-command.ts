import type { CallKind } from '../calls/call-writer.ts';
import type { Target } from './connection.ts';

/** Whom to measure: where it listens, and the process whose CPU time and memory are its. */
export interface Measured {
  readonly target: Target;
  /** Leader of its processes. */
  readonly pid: number;
}

/** Keeps `underWay` calls under way on `connections`: a call follows each reply. */
export interface ClosedLoop extends Measured {
  readonly kind: 'closed';
  readonly connections: number;
  /** A multiple of `connections`, or less: then the calls wander over the connections in turn. */
  readonly underWay: number;
  readonly call: CallKind;
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly seed: number;
}

/** Starts calls at random (Poisson), `callsPerSecond` of them, however long the replies take. */
export interface OpenLoop extends Measured {
  readonly kind: 'open';
  readonly connections: number;
  readonly callsPerSecond: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly seed: number;
}

/** One bidirectional stream on which `messages` are sent, `underWay` of them at a time, and come back. */
export interface EchoStream extends Measured {
  readonly kind: 'echo';
  readonly messages: number;
  readonly underWay: number;
  readonly seed: number;
}

/** Opens connections that have had one call each, and then has a few calls a second wander over them. */
export interface IdleConnections extends Measured {
  readonly kind: 'idle';
  readonly connections: number;
  /** Given to the memory to settle, before it is read. */
  readonly settleMs: number;
  readonly callsPerSecond: number;
  readonly measureMs: number;
  readonly seed: number;
}

export type LoadCommand = ClosedLoop | OpenLoop | EchoStream | IdleConnections;

/** What a command brought. Times in milliseconds. */
export interface LoadResult {
  /** Calls, or messages of a stream, while it was measured. */
  readonly calls: number;
  /** Calls that went wrong at any time, warming up included. */
  readonly failures: number;
  /** What the first of them said. */
  readonly firstFailure: string | null;
  readonly elapsedMs: number;
  /** CPU time of the measured processes meanwhile. */
  readonly cpuMicros: number;
  /** Part of it spent in the kernel, 0–1. */
  readonly systemShare: number;
  /** Null when nothing was timed. */
  readonly latency: Latency | null;
  readonly memory: Memory | null;
  /** Clock of the start and end of what was measured, in ms of the epoch. */
  readonly from: number;
  readonly to: number;
}

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly mostMs: number;
}

/** Resident memory of the measured processes, in KiB. */
export interface Memory {
  readonly beforeKib: number;
  /** With the connections, each of which has had a call. */
  readonly idleKib: number;
  /** At most while calls wandered over them. */
  readonly busyKib: number;
  readonly connections: number;
}

export function isLoadCommand(value: unknown): value is LoadCommand {
  return isObject(value) && 'kind' in value && 'target' in value && 'pid' in value;
}

export function isLoadResult(value: unknown): value is LoadResult {
  return isObject(value) && 'calls' in value && 'failures' in value && 'cpuMicros' in value && 'latency' in value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
