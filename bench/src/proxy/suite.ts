import { subjectVersion, type SubjectName } from '@steelyard/tools/peers';
import { keepReport, renderJson } from '../keep-report.ts';
import { parseOptions, USAGE, type BenchOptions } from './options.ts';
import { readReport } from './report/read-report.ts';
import { renderTables } from './report/render-tables.ts';
import type { ProxyReport } from './report/report.ts';
import { writeDocs } from './report/write-docs.ts';
import { reasonOf } from './run/bench-bed.ts';
import { profileOurs } from './run/profile.ts';
import { runBench } from './run/run-bench.ts';

/** Exit 0 done; 1 a call failed, a subject did not start or a named peer is missing; 2 wrong usage. */
export async function runSuite(args: readonly string[]): Promise<number> {
  let options: BenchOptions | 'help';
  try {
    options = parseOptions(args);
  } catch (error) {
    process.stderr.write(`bench: ${reasonOf(error)}\n\n${USAGE}`);
    return 2;
  }
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (process.platform !== 'linux') {
    say('bench: CPU time is read from /proc, which only Linux has');
    return 2;
  }
  try {
    return await act(options);
  } catch (error) {
    say(`bench: ${reasonOf(error)}`);
    // Ends what still runs, by the exit handler that startProcess has set.
    return process.exit(1);
  }
}

async function act(options: BenchOptions): Promise<number> {
  if (options.profile !== undefined) {
    process.stdout.write(await profileOurs(options, options.profile, say));
    return 0;
  }
  const report = options.from === undefined ? await measure(options) : readReport(options.from);
  if (report === undefined) return 1;
  process.stdout.write(options.output === 'json' ? renderJson(report) : renderTables(report));
  if (options.writeDocs) for (const file of writeDocs(report)) say(`wrote ${file}`);
  if (report.missing.length > 0) say(`not installed, so not measured: ${report.missing.join(', ')}`);
  const voids = [...report.cells, ...report.memory, ...(report.openLoop?.rows ?? [])].filter(
    (row) => row.void !== null,
  );
  if (voids.length > 0) say(`${voids.length} figures are void: see above`);
  return options.from === undefined && voids.some((row) => !carriesNot(row.void)) ? 1 : 0;
}

/** A peer that does not bear half of what nghttpx does has no latency there: that is a result. */
function carriesNot(reason: string | null): boolean {
  return reason?.includes('calls pile up') ?? false;
}

async function measure(options: BenchOptions): Promise<ProxyReport | undefined> {
  const versions: Record<string, string> = { node: process.versions.node };
  const missing: SubjectName[] = [];
  const subjects: SubjectName[] = [];
  for (const name of ['steelyard', ...options.peers] as const) {
    const version = subjectVersion(name);
    if (version === undefined) {
      missing.push(name);
      say(`${name}: not installed, left out`);
    } else {
      versions[name] = version;
      subjects.push(name);
    }
  }
  if (missing.includes('steelyard') || (options.peersNamed && missing.length > 0)) {
    say(`bench: ${missing.join(', ')} should be measured, and cannot be started`);
    return undefined;
  }
  const report = await runBench(options, subjects, versions, missing, say);
  say(`kept in ${keepReport('proxy', report, report.date, options.keep)}`);
  return report;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
