import { cpus, release, totalmem } from 'node:os';
import type { SubjectName } from '@steelyard/tools/peers';
import type { BenchOptions } from '../options.ts';
import { barsOf } from '../report/bars.ts';
import { cellsOf, ratiosOf } from '../report/cells.ts';
import { FORMAT, type Machine, type ProxyReport } from '../report/report.ts';
import { createBenchBed } from './bench-bed.ts';
import { measureCpu } from './measure-cpu.ts';
import { measureLatency } from './measure-latency.ts';
import { measureMemory } from './measure-memory.ts';

/** Measures what `options` asks for. What goes wrong with one subject is in the report; what stops all is thrown. */
export async function runBench(
  options: BenchOptions,
  subjects: readonly SubjectName[],
  versions: Readonly<Record<string, string>>,
  missing: readonly SubjectName[],
  say: (text: string) => void,
): Promise<ProxyReport> {
  const startedAt = performance.now();
  const { parts, rounds, seconds, rules } = options;
  const bed = await createBenchBed(subjects, Math.max(...options.upstreams), say);
  const samples = parts.includes('cpu') ? await measureCpu(bed, options) : [];
  const openLoop = parts.includes('latency') ? await measureLatency(bed, rounds, seconds) : null;
  const memory = parts.includes('memory') ? await measureMemory(bed) : [];
  await bed.stop();
  say(`measured in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  const cells = cellsOf(samples);
  const ratios = ratiosOf(samples, cells);
  return {
    format: FORMAT,
    date: new Date().toISOString(),
    versions,
    machine: machine(bed.pinned),
    rounds,
    seconds,
    rules,
    missing,
    cells,
    ratios,
    openLoop,
    memory,
    bars: barsOf(ratios, openLoop, memory),
  };
}

function machine(pinned: boolean): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: cpus().length,
    kernel: release(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    pinned,
  };
}
