import { cpus } from 'node:os';
import { keepReport, renderJson } from './keep-report.ts';
import type { OutputFormat } from './suite-options.ts';

/** A suite that measures, prints its report, keeps it, and says whether every bar holds. */
export interface Measurement<Options extends { readonly output: OutputFormat }, Report> {
  readonly name: string;
  readonly usage: string;
  /** Throws a one-sentence error for a wrong option. */
  readonly parseOptions: (args: readonly string[]) => Options | 'help';
  /** Why it cannot be measured on this machine, as a clause; asked before anything is. */
  readonly obstacle?: () => string | undefined;
  readonly measure: (options: Options) => Promise<Report> | Report;
  readonly renderReport: (report: Report) => string;
  /** Whether every bar does. */
  readonly holds: (report: Report) => boolean;
}

/** Exit 0 every bar holds, 1 one does not, 2 wrong usage or nothing to measure with. */
export async function runMeasurement<Options extends { readonly output: OutputFormat }, Report>(
  { name, usage, parseOptions, obstacle, measure, renderReport, holds }: Measurement<Options, Report>,
  args: readonly string[],
): Promise<number> {
  const say = (text: string): void => void process.stderr.write(`bench ${name}: ${text}\n`);
  let options: Options | 'help';
  try {
    options = parseOptions(args);
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}\n${usage.trimEnd()}`);
    return 2;
  }
  if (options === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  const missing = obstacle?.();
  if (missing !== undefined) {
    say(missing);
    return 2;
  }
  const report = await measure(options);
  process.stdout.write(options.output === 'json' ? renderJson(report) : renderReport(report));
  process.stderr.write(`kept in ${keepReport(name, report, new Date().toISOString())}\n`);
  return holds(report) ? 0 : 1;
}

/** For a report, which is worth little without. */
export function machineName(): string {
  const all = cpus();
  return `${all[0]?.model ?? 'unknown'} x ${all.length}`;
}
