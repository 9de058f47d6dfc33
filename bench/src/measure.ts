import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { RunningSubject } from '@steelyard/tools/peers';
import { parseLoadResult, type LoadResult } from './load-result.ts';

/** Callers' connections and the calls each keeps under way. */
export interface Shape {
  readonly connections: number;
  readonly streams: number;
}

export const SHAPES: readonly Shape[] = [
  { connections: 1, streams: 100 },
  { connections: 10, streams: 10 },
  { connections: 100, streams: 1 },
  { connections: 1, streams: 1 },
];

export function shapeName({ connections, streams }: Shape): string {
  return `${connections}x${streams}`;
}

export function parseShape(text: string): Shape | undefined {
  const [, connections, streams] = /^(\d{1,4})x(\d{1,3})$/.exec(text) ?? [];
  return Number(connections) > 0 && Number(streams) > 0
    ? { connections: Number(connections), streams: Number(streams) }
    : undefined;
}

export interface MeasureOptions {
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly seed: number;
  /** Puts a command on the CPUs that are not the subject's. */
  readonly pin: (command: readonly string[]) => readonly string[];
}

/** Runs the load process once against a subject. Rejects when it fails, is given too little, or any call failed. */
export async function measure(subject: RunningSubject, shape: Shape, options: MeasureOptions): Promise<LoadResult> {
  const [command = process.execPath, ...args] = options.pin([
    process.execPath,
    join(import.meta.dirname, 'load-main.js'),
    ...[
      subject.port,
      shape.connections,
      shape.streams,
      options.warmUpMs,
      options.measureMs,
      options.seed,
      subject.process.pid,
    ].map(String),
  ]);
  // Bounded: a subject that stops answering must not stop the benchmark.
  const timeout = Math.ceil(options.warmUpMs + options.measureMs + 15_000);
  const load = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout, killSignal: 'SIGKILL' });
  let line = '';
  load.stdout.setEncoding('utf8').on('data', (text: string) => {
    line += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    load.once('error', reject).once('close', resolve);
  });
  const where = `${subject.name} at ${shapeName(shape)}`;
  if (code !== 0) throw new Error(`${where}: the load process failed`);
  const result = parseLoadResult(line);
  if (result.failures > 0) {
    throw new Error(`${where}: ${result.failures} calls failed, the first: ${result.firstFailure ?? 'unknown'}`);
  }
  if (result.calls === 0) throw new Error(`${where}: no call was answered`);
  return result;
}
