import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BenchOptions } from '../options.ts';
import { createBenchBed } from './bench-bed.ts';
import { parseCpuProfile, renderProfile, selfTimes } from './cpu-profile.ts';
import { measureCpu } from './measure-cpu.ts';

const INTERVAL_MICROS = 250;

/**
 * Runs our proxy in each shape under the profiler of Node. The profiles stay in `folder`, for the tools that open them; returns
 * where the time went as text.
 */
export async function profileOurs(options: BenchOptions, folder: string, say: (text: string) => void): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const bed = await createBenchBed(['steelyard'], Math.max(...options.upstreams), say);
  let text = '';
  for (const upstreams of options.upstreams) {
    for (const shape of options.shapes.filter(({ spread }) => upstreams === 1 || spread)) {
      const name = `${shape.name}-${upstreams}.cpuprofile`;
      const nodeArgs = [
        '--cpu-prof',
        `--cpu-prof-interval=${INTERVAL_MICROS}`,
        `--cpu-prof-dir=${resolve(folder)}`,
        `--cpu-prof-name=${name}`,
      ];
      const plan = {
        shapes: [shape],
        upstreams: [upstreams],
        rounds: 1,
        seconds: options.seconds,
        rules: options.rules,
        nodeArgs,
      };
      const [sample] = await measureCpu(bed, plan);
      if (sample === undefined) continue;
      const { outcome } = sample;
      if ('void' in outcome) throw new Error(`${shape.name}: ${outcome.void}`);
      const profile = parseCpuProfile(readFileSync(join(folder, name), 'utf8'));
      const title = `${shape.name}, ${upstreams} upstream${upstreams === 1 ? '' : 's'}: ${shape.about}`;
      text += `${renderProfile(title, selfTimes(profile, monotonicMicros(outcome.from), monotonicMicros(outcome.to)), outcome.systemShare)}\n`;
    }
  }
  await bed.stop();
  return text;
}

/** A time of the epoch in milliseconds on the clock that profiles go by. */
function monotonicMicros(epochMs: number): number {
  const now = Number(process.hrtime.bigint() / 1000n);
  return now - (performance.timeOrigin + performance.now() - epochMs) * 1000;
}
