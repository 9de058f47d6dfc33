import type { SubjectName } from '@steelyard/tools/peers';
import type { Outcome, Sample } from '../report/cells.ts';
import { reasonOf, type BenchBed, type StartedSubject } from './bench-bed.ts';
import type { Shape, ShapeTiming } from './shape.ts';

/** At length before the first measurement: a compiler that optimises while it runs needs to have run. */
const FIRST_WARM_UP_MS = 2500;
/** Before each measurement, for connections to be set up and the clock of the CPU to settle; shorter in a short run. */
const MOST_WARM_UP_MS = 250;

export interface CpuPlan {
  readonly shapes: readonly Shape[];
  readonly upstreams: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
  /** Route rules ahead of the one that takes the calls, for ours. */
  readonly rules: number;
  /** Of Node, for ours. */
  readonly nodeArgs?: readonly string[];
}

/** CPU time per call of every subject in every shape, the subjects taking turns within a round. */
export async function measureCpu(bed: BenchBed, plan: CpuPlan): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const upstreams of plan.upstreams) {
    for (const tls of [false, true]) {
      const shapes = plan.shapes.filter((shape) => shape.tls === tls && (upstreams === 1 || shape.spread));
      if (shapes.length > 0) samples.push(...(await measureGroup(bed, plan, shapes, upstreams, tls)));
    }
  }
  return samples;
}

/** Shapes that need subjects set up alike. */
async function measureGroup(
  bed: BenchBed,
  { rounds, seconds, rules, nodeArgs = [] }: CpuPlan,
  shapes: readonly Shape[],
  upstreams: number,
  tls: boolean,
): Promise<Sample[]> {
  const measureMs = seconds * 1000;
  const warmUpMs = Math.min(MOST_WARM_UP_MS, measureMs);
  const samples: Sample[] = [];
  const subjects: StartedSubject[] = [];
  const setting = `${upstreams === 1 ? '1 upstream' : `${upstreams} upstreams`}${tls ? ', TLS' : ''}`;
  for (const name of bed.subjects) {
    try {
      subjects.push(await bed.start(name, upstreams, { tls, nodeArgs, rules }));
    } catch (error) {
      bed.say(`${name}: does not start with ${setting}: ${reasonOf(error)}`);
      for (const shape of shapes) {
        const outcome = { void: `does not start: ${reasonOf(error)}` };
        samples.push({ round: 1, shape: shape.name, upstreams, subject: name, outcome });
      }
    }
  }
  /** Subjects whose calls failed in a shape: there is nothing more to find out. */
  const given = new Set<string>();
  const measure = async (subject: StartedSubject, shape: Shape, round: number): Promise<void> => {
    const key = `${subject.name} ${shape.name}`;
    if (given.has(key)) return;
    const outcome = await measureOnce(bed, subject, shape, upstreams, { warmUpMs, measureMs, seed: round });
    samples.push({ round, shape: shape.name, upstreams, subject: subject.name, outcome });
    if ('void' in outcome) given.add(key);
    bed.say(progress(round, rounds, setting, shape.name, subject.name, outcome));
  };

  for (const subject of subjects) {
    bed.say(`${subject.name}: warms up with ${setting}`);
    const each = Math.min(FIRST_WARM_UP_MS, measureMs * 4) / shapes.length;
    for (const shape of shapes) {
      const outcome = await measureOnce(bed, subject, shape, upstreams, { warmUpMs: 0, measureMs: each, seed: 0 });
      if ('void' in outcome) bed.say(`${subject.name}: warming up at ${shape.name}: ${outcome.void}`);
    }
  }
  for (let round = 1; round <= rounds; round++) {
    for (const shape of shapes) {
      // Whoever is first today is last tomorrow: nobody always follows the same one.
      for (let turn = 0; turn < subjects.length; turn++) {
        const subject = subjects[(turn + round) % subjects.length];
        if (subject !== undefined) await measure(subject, shape, round);
      }
    }
  }
  for (const subject of subjects) await subject.stop();
  return inOrder(samples, shapes, bed.subjects);
}

async function measureOnce(
  bed: BenchBed,
  { measured }: StartedSubject,
  shape: Shape,
  upstreams: number,
  timing: ShapeTiming,
): Promise<Outcome> {
  try {
    const before = await bed.backends.counts();
    const result = await bed.load.run(shape.command(measured, timing));
    const after = await bed.backends.counts();
    const shares = after.slice(0, upstreams).map((count, index) => count - (before[index] ?? 0));
    const total = shares.reduce((sum, count) => sum + count, 0);
    return {
      from: result.from,
      to: result.to,
      cpuMicrosPerCall: result.cpuMicros / result.calls,
      callsPerSecond: (result.calls * 1000) / result.elapsedMs,
      busy: result.cpuMicros / 1000 / result.elapsedMs,
      systemShare: result.systemShare,
      p50Ms: result.latency?.p50Ms ?? null,
      p99Ms: result.latency?.p99Ms ?? null,
      leastShare: total === 0 ? 0 : (Math.min(...shares) * upstreams) / total,
    };
  } catch (error) {
    return { void: reasonOf(error) };
  }
}

function progress(
  round: number,
  rounds: number,
  setting: string,
  shape: string,
  subject: string,
  outcome: Outcome,
): string {
  const what =
    'void' in outcome
      ? `void: ${outcome.void}`
      : `${outcome.cpuMicrosPerCall.toFixed(2)} us CPU per call, ${Math.round(outcome.callsPerSecond)} calls/s, ${Math.round(outcome.busy * 100)} % busy`;
  return `round ${round}/${rounds}  ${setting.padEnd(11)}  ${shape.padEnd(9)}  ${subject.padEnd(9)}  ${what}`;
}

/** By shape, then subject, as reports have them, whatever the turns were. */
function inOrder(samples: readonly Sample[], shapes: readonly Shape[], subjects: readonly SubjectName[]): Sample[] {
  const place = ({ shape, subject }: Sample): number =>
    shapes.findIndex(({ name }) => name === shape) * subjects.length + subjects.indexOf(subject);
  return samples.toSorted((a, b) => place(a) - place(b));
}
