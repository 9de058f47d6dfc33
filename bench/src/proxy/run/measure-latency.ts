import type { SubjectName } from '@steelyard/tools/peers';
import type { LoadResult, Measured } from '../load/load-command.ts';
import type { LatencyQuantiles, LatencyRow, OpenLoopReport } from '../report/report.ts';
import { median, round } from '../../statistics.ts';
import { reasonOf, type BenchBed, type StartedSubject } from './bench-bed.ts';
import { collectGcPauses } from './gc-pauses.ts';

const CONNECTIONS = 10;
const WARM_UP_MS = 400;
const FIRST_WARM_UP_MS = 1000;
/** Measured time of an open loop for each second that a measurement of CPU time takes: rare events need longer. */
const LONGER = 2.5;
/** More rounds than this tell little. */
const MOST_ROUNDS = 3;

/** What is added to the latency of calls at half of what nghttpx bears, and our pauses meanwhile. */
export async function measureLatency(bed: BenchBed, rounds: number, seconds: number): Promise<OpenLoopReport> {
  const gc = bed.subjects.includes('steelyard') ? collectGcPauses() : undefined;
  const failed = new Map<SubjectName, string>();
  const started: StartedSubject[] = [];
  for (const name of bed.subjects) {
    try {
      started.push(await bed.start(name, 1, { nodeArgs: name === 'steelyard' ? (gc?.nodeArgs ?? []) : [] }));
    } catch (error) {
      failed.set(name, `does not start: ${reasonOf(error)}`);
    }
  }
  const reference = started.find(({ name }) => name === 'nghttpx') ?? started[0];
  if (reference === undefined) throw new Error(`nothing to measure latency of: ${[...failed.values()].join('; ')}`);
  const measureMs = seconds * 1000 * LONGER;
  const half = (await saturation(bed, reference, measureMs)) / 2;
  bed.say(`open loop: ${Math.round(half)} calls a second, half of what ${reference.name} bears`);

  const direct: Measured = { target: { port: bed.backends.ports[0] ?? 0 }, pid: process.pid };
  const everybody = [{ name: 'direct' as const, measured: direct }, ...started];
  const results = new Map<SubjectName | 'direct', (LoadResult | string)[]>();
  const windows: (readonly [number, number])[] = [];
  const once = async (name: SubjectName | 'direct', measured: Measured, nth: number): Promise<void> => {
    const known = results.get(name) ?? [];
    if (known.some((result) => typeof result === 'string')) return;
    results.set(name, known);
    const outcome = await openLoop(bed, measured, half, measureMs, nth);
    known.push(outcome);
    if (typeof outcome === 'string') {
      bed.say(`open loop  ${name.padEnd(9)}  void: ${outcome}`);
      return;
    }
    if (name === 'steelyard') windows.push([outcome.from, outcome.to]);
    bed.say(`open loop  ${name.padEnd(9)}  ${describe(outcome)}`);
  };
  const most = Math.min(rounds, MOST_ROUNDS);
  // A compiler that optimises while it runs needs to have run: an open loop would pile calls up before it has.
  for (const { measured } of started) {
    await closedLoop(bed, measured, FIRST_WARM_UP_MS).catch(reasonOf);
    await openLoop(bed, measured, half, measureMs, 0);
  }
  for (let nth = 1; nth <= most; nth++) {
    for (const { name, measured } of everybody) await once(name, measured, nth);
  }
  const directResults = valid(results.get('direct') ?? []);
  const rows = [
    ...everybody.map(({ name }) => rowOf(name, results.get(name) ?? [], directResults)),
    ...[...failed].map(([subject, reason]): LatencyRow => ({ subject, void: reason, latency: null, added: null })),
  ];
  for (const subject of started) await subject.stop();
  const report: OpenLoopReport = {
    callsPerSecond: Math.round(half),
    halfOf: reference.name,
    connections: CONNECTIONS,
    rows,
    gc: gc === undefined || windows.length === 0 ? null : gc.within(windows),
  };
  gc?.remove();
  return report;
}

/** Calls a second with more under way than it can deal with at once. */
async function saturation(bed: BenchBed, { measured }: StartedSubject, measureMs: number): Promise<number> {
  const { calls, elapsedMs } = await closedLoop(bed, measured, measureMs);
  return (calls * 1000) / elapsedMs;
}

function closedLoop(bed: BenchBed, measured: Measured, measureMs: number): Promise<LoadResult> {
  return bed.load.run({
    kind: 'closed',
    ...measured,
    connections: CONNECTIONS,
    underWay: CONNECTIONS * 50,
    call: { kind: 'unary', replyBytes: 12 },
    warmUpMs: WARM_UP_MS,
    measureMs,
    seed: 1,
  });
}

async function openLoop(
  bed: BenchBed,
  measured: Measured,
  callsPerSecond: number,
  measureMs: number,
  seed: number,
): Promise<LoadResult | string> {
  try {
    const timing = { warmUpMs: WARM_UP_MS, measureMs, seed };
    return await bed.load.run({ kind: 'open', ...measured, connections: CONNECTIONS, callsPerSecond, ...timing });
  } catch (error) {
    return reasonOf(error);
  }
}

function rowOf(
  subject: SubjectName | 'direct',
  results: readonly (LoadResult | string)[],
  direct: readonly LoadResult[],
): LatencyRow {
  const failure = results.find((result) => typeof result === 'string');
  if (failure !== undefined) return { subject, void: failure, latency: null, added: null };
  const measured = valid(results);
  const latency = quantiles((field) => measured.map((result) => result.latency?.[field] ?? NaN));
  if (subject === 'direct') return { subject, void: null, latency, added: null };
  const added = quantiles((field) =>
    measured.map((result, nth) => (result.latency?.[field] ?? NaN) - (direct[nth]?.latency?.[field] ?? NaN)),
  );
  return { subject, void: null, latency, added: direct.length < measured.length ? null : added };
}

function quantiles(of: (field: keyof LatencyQuantiles) => readonly number[]): LatencyQuantiles {
  const at = (field: keyof LatencyQuantiles): number => round(median(of(field)), 3);
  return { p50Ms: at('p50Ms'), p99Ms: at('p99Ms'), p999Ms: at('p999Ms') };
}

function valid(results: readonly (LoadResult | string)[]): LoadResult[] {
  return results.filter((result) => typeof result !== 'string');
}

function describe({ latency }: LoadResult): string {
  if (latency === null) return 'nothing timed';
  const { p50Ms, p99Ms, p999Ms } = latency;
  return `p50 ${p50Ms.toFixed(3)} ms, p99 ${p99Ms.toFixed(3)} ms, p99.9 ${p999Ms.toFixed(3)} ms`;
}
