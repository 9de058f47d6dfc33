import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { GcReport } from '../report/report.ts';

/** A pause that a caller notices. */
const LONG_MS = 5;

/** Collects the pauses of a process of Node that is started with {@link GcPauses.nodeArgs}. */
export interface GcPauses {
  readonly nodeArgs: readonly string[];
  /** Pauses within windows of time, each from and to in ms of the epoch. */
  within(windows: readonly (readonly [from: number, to: number])[]): GcReport;
  remove(): void;
}

export function collectGcPauses(): GcPauses {
  const folder = mkdtempSync(join(tmpdir(), 'steelyard-gc-'));
  const file = join(folder, 'pauses');
  writeFileSync(file, '');
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const probe = pathToFileURL(join(import.meta.dirname, 'gc-probe-main.js'));
  probe.searchParams.set('file', file);
  return {
    nodeArgs: ['--import', probe.href],
    within: (windows) => gcReport(readFileSync(file, 'latin1'), windows),
    remove() {
      process.removeListener('exit', remove);
      remove();
    },
  };
}

/** `lines` as the probe writes them. Calls come evenly, so the share of time is the share of calls. */
export function gcReport(lines: string, windows: readonly (readonly [from: number, to: number])[]): GcReport {
  const pauses = lines
    .split('\n')
    .map((line) => line.split(' ').map(Number))
    .flatMap(([at = NaN, ms = NaN]) => (windows.some(([from, to]) => at >= from && at <= to) ? [ms] : []));
  const seconds = windows.reduce((sum, [from, to]) => sum + (to - from) / 1000, 0);
  const long = pauses.filter((ms) => ms > LONG_MS).reduce((sum, ms) => sum + ms, 0);
  return {
    pauses: pauses.length,
    seconds: Number(seconds.toFixed(2)),
    mostMs: Number(Math.max(0, ...pauses).toFixed(2)),
    totalMs: Number(pauses.reduce((sum, ms) => sum + ms, 0).toFixed(1)),
    shareInLongPauses: seconds === 0 ? 0 : Number((long / 1000 / seconds).toFixed(6)),
  };
}
